package org.gradle.api.internal.tasks.options;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Where Gradle had its annotation before 4.6, for compiling with a later one. It is not in the jar. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Option {

    /** Name of the option. */
    String option();

    /** What {@code gradle help --task} shows of it. */
    String description();
}
