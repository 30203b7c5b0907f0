package io.qalipsis.gradle;

import java.io.File;
import org.gradle.api.Plugin;
import org.gradle.api.Project;
import org.gradle.api.Task;

/** Adds the extension {@code qalipsis} and the task {@code qalipsisRunAllScenarios}. */
public class QalipsisPlugin implements Plugin<Project> {

    /** Name of the extension. */
    public static final String EXTENSION = "qalipsis";

    /** Name of the task that runs every scenario of the project. */
    public static final String RUN_ALL = "qalipsisRunAllScenarios";

    @Override
    public void apply(Project project) {
        QalipsisExtension extension =
                project.getExtensions().create(EXTENSION, QalipsisExtension.class, project);
        project.getTasks().withType(RunQalipsis.class, task -> defaults(project, extension, task));
        RunQalipsis all = project.getTasks().create(RUN_ALL, RunQalipsis.class);
        all.setDescription("Runs all scenarios as one campaign.");
        project.afterEvaluate(evaluated -> {
            Task check = evaluated.getTasks().findByName("check");
            if (extension.getRunWithCheck().get() && check != null) {
                check.dependsOn(all);
            }
        });
    }

    /** What a task does not say itself comes from the extension, read as late as possible. */
    private static void defaults(Project project, QalipsisExtension extension, RunQalipsis task) {
        task.setGroup("verification");
        File build = project.getBuildDir();
        task.getRunner().set(extension.getRunner());
        task.getRunnerSource().set(extension.getRunnerSource());
        task.getRunnerVersion().set(extension.getVersion());
        task.getDownloadUrl().set(extension.getDownloadUrl());
        task.getDownloadDirectory().set(extension.getDownloadDirectory());
        task.getManifestPath().set(extension.getManifestPath());
        task.getExecutable().set(extension.getExecutable());
        task.getHead().set(extension.getHead());
        task.getHeadToken().set(extension.getHeadToken());
        task.getConfigurationDefaults().set(project.provider(extension::getConfiguration));
        task.getResultsDirectory().set(new File(build, "test-results/" + task.getName()));
        task.getReportDirectory().set(new File(build, "reports/" + task.getName()));
    }
}
