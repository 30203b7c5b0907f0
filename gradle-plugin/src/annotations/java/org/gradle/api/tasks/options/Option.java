package org.gradle.api.tasks.options;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Where Gradle has its annotation since 4.6, for compiling with an older one. It is not in the jar: Java ignores an
 * annotation whose class is not there.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Option {

    /** Name of the option. */
    String option();

    /** What {@code gradle help --task} shows of it. */
    String description();
}
