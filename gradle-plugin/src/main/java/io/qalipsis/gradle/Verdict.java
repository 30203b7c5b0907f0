package io.qalipsis.gradle;

import java.util.List;

/** What the exit code of the runner means, in the words of a build that failed. */
final class Verdict {

    /** From here on a code is 128 and the signal that ended the process. */
    private static final int SIGNALS = 128;

    private Verdict() {}

    /** The message of a build that failed. */
    static String message(int code, Results results, String lastError) {
        StringBuilder text = new StringBuilder(headline(code));
        List<String> reasons = results.reasons();
        // A campaign that was aborted before there was a report, or at a head that went away, says why there alone.
        if (reasons.isEmpty() && !lastError.isEmpty() && (code < 3 || code > 6 || code == 5)) {
            text.append(": ").append(lastError.replaceFirst("^error: ", ""));
        }
        reasons.forEach(reason -> text.append("\n  ").append(reason));
        return text.append(results.places()).toString();
    }

    private static String headline(int code) {
        switch (code) {
            case 1:
                return "qalipsis had an internal error";
            case 2:
                return "qalipsis refused the configuration, nothing was started";
            case 3:
                return "the campaign FAILED";
            case 4:
                return "the campaign is worse than its baseline";
            case 5:
                return "the campaign was ABORTED";
            case 6:
                return "the campaign is INVALID: the load generator was the bottleneck";
            case 7:
                return "there is no scenario to run";
            default:
                return code > SIGNALS
                        ? "qalipsis was killed by signal " + (code - SIGNALS)
                        : "qalipsis crashed with exit code " + code;
        }
    }
}
