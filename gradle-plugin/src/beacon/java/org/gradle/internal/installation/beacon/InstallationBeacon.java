package org.gradle.internal.installation.beacon;

/** By the place of this class Gradle finds the folder that it is installed in. Only tests need it. */
public final class InstallationBeacon {

    private InstallationBeacon() {}
}
