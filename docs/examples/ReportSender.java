// Reports that a change is in place, signed, and tries until the report is taken. Needs Java 17 and no packages.
// INBOUND_URL=https://… SOURCE_SECRET=whsec_… java ReportSender.java SUGGESTION_ID
import java.net.URI;
import java.net.http.*;
import java.time.*;
import java.util.*;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class ReportSender {
    public static void main(String[] arguments) throws Exception {
        // The id and the text are made once and belong to the report: store both, and send the same on every try.
        String id = "msg_" + UUID.randomUUID(), body = """
            {"type": "report.implemented", "data": {"suggestion_id": "%s", "report_id": "rota-47", "occurred_at": "%s",
             "summary": "Fixed pairs are on the rota", "what_changed": "Two fixed pairs cover all double-up calls.",
             "evidence": [{"kind": "rota_change", "title": "Rota week 47"}]}}""".formatted(arguments[0], Instant.now());
        var mac = Mac.getInstance("HmacSHA256");
        var key = Base64.getDecoder().decode(System.getenv("SOURCE_SECRET").replaceFirst("^whsec_", ""));
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        for (int waitSeconds : new int[] {0, 5, 60, 600}) {
            Thread.sleep(waitSeconds * 1000L);
            var timestamp = Instant.now().getEpochSecond(); // Fresh on every try: over 300 seconds off is refused.
            byte[] digest = mac.doFinal((id + "." + timestamp + "." + body).getBytes("UTF-8"));
            var request = HttpRequest.newBuilder(URI.create(System.getenv("INBOUND_URL")))
                .timeout(Duration.ofSeconds(20)).headers("Content-Type", "application/json", "webhook-id", id,
                    "webhook-timestamp", "" + timestamp, "webhook-signature", "v1," + Base64.getEncoder().encodeToString(digest))
                .POST(HttpRequest.BodyPublishers.ofString(body)).build();
            try { // 200 is taken; 202 is kept, and says why it waits.
                var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
                System.out.println(answer.statusCode() + " " + answer.body());
                if (answer.statusCode() < 300) System.exit(0);
                if (answer.statusCode() < 500 && !Set.of(408, 429).contains(answer.statusCode())) break;
            } catch (java.io.IOException error) { System.err.println(error); }
        }
        System.err.println("Not taken. Below 500, a person must look at it; otherwise keep it and try again later.");
        System.exit(1);
    }
}
