package io.qalipsis.gradle;

import groovy.json.JsonException;
import groovy.json.JsonSlurper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.gradle.api.GradleException;

/** The files of one campaign, at the places where Gradle's users look for them. */
final class Results {

    /** The message lists so many failing steps. */
    private static final int SHOWN = 10;

    private final File junit;
    private final File report;

    private Results(File junit, File report) {
        this.junit = junit;
        this.report = report;
    }

    /** Empties a folder of the task's own. */
    static void empty(File folder) {
        try {
            delete(folder.toPath());
            Files.createDirectories(folder.toPath());
        } catch (IOException error) {
            throw new GradleException("failed to empty " + folder + ": " + error.getMessage(), error);
        }
    }

    /** Deletes a folder, if it is there, with all that is in it. */
    static void delete(Path folder) throws IOException {
        if (!folder.toFile().exists()) {
            return;
        }
        List<Path> inside = new ArrayList<>();
        try (Stream<Path> paths = Files.walk(folder)) {
            paths.sorted(Comparator.reverseOrder()).forEach(inside::add);
        }
        for (Path path : inside) {
            Files.delete(path);
        }
    }

    /** Removes what an earlier run left in a folder that the user chose; whatever else is there stays. */
    private static void removeEarlier(File folder) {
        try {
            Files.createDirectories(folder.toPath());
            File[] files = folder.listFiles(File::isFile);
            for (File file : files == null ? new File[0] : files) {
                String name = file.getName();
                if (name.equals("summary.json") || name.equals("report.html")
                        || name.startsWith("TEST-") && name.endsWith(".xml")) {
                    Files.delete(file.toPath());
                }
            }
        } catch (IOException error) {
            throw new GradleException(
                    "failed to remove earlier reports in " + folder + ": " + error.getMessage(), error);
        }
    }

    /**
     * Copies what the runner wrote below {@code work}: JUnit files to one folder, all else to the other. The files stay
     * where they are until the next run, as the runner has printed where they are.
     */
    static Results collect(File work, File junit, File report) {
        removeEarlier(junit);
        removeEarlier(report);
        File[] campaigns = work.listFiles(File::isDirectory);
        for (File campaign : campaigns == null ? new File[0] : campaigns) {
            File[] files = campaign.listFiles(File::isFile);
            for (File file : files == null ? new File[0] : files) {
                boolean test = file.getName().startsWith("TEST-");
                Path to = (test ? junit : report).toPath().resolve(file.getName());
                try {
                    Files.copy(file.toPath(), to, StandardCopyOption.REPLACE_EXISTING);
                } catch (IOException error) {
                    throw new GradleException("failed to copy " + file + " to " + to, error);
                }
            }
        }
        return new Results(junit, report);
    }

    /** One line for each cause of the verdict. */
    List<String> reasons() {
        List<String> lines = new ArrayList<>();
        File summary = new File(report, "summary.json");
        if (!summary.isFile()) {
            return lines;
        }
        Object reasons;
        try {
            reasons = ((Map<?, ?>) new JsonSlurper().parse(summary, "UTF-8")).get("reasons");
        } catch (JsonException | ClassCastException error) {
            lines.add(summary + " cannot be read: " + error.getMessage());
            return lines;
        }
        for (Object item : reasons instanceof List ? (List<?>) reasons : new ArrayList<>()) {
            if (lines.size() == SHOWN) {
                lines.add("and " + (((List<?>) reasons).size() - SHOWN) + " more");
                break;
            }
            Map<?, ?> reason = (Map<?, ?>) item;
            StringBuilder line = new StringBuilder();
            for (String part : new String[] {"scenario", "step", "kind"}) {
                if (reason.get(part) != null) {
                    line.append(line.length() == 0 ? "" : part.equals("kind") ? "  " : " › ");
                    line.append(reason.get(part));
                }
            }
            lines.add(line + ": " + reason.get("message"));
        }
        return lines;
    }

    /** Where to look further, when there is something. */
    String places() {
        StringBuilder text = new StringBuilder();
        File page = new File(report, "report.html");
        if (page.isFile()) {
            text.append("\nreport: ").append(page.toURI());
        }
        String[] tests = junit.list();
        if (tests != null && tests.length > 0) {
            text.append("\nJUnit: ").append(junit);
        }
        return text.toString();
    }
}
