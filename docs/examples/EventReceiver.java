// Receives events: verifies each, knows a repetition, answers at once. Needs Java 17 and no packages.
// SUBSCRIPTION_SECRET=whsec_… PORT=9000 java EventReceiver.java
import com.sun.net.httpserver.*;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.*;
import java.util.*;
import java.util.concurrent.*;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class EventReceiver {
    static final Set<String> done = ConcurrentHashMap.newKeySet(); // In earnest a table with a unique column.
    static void take(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes(); // The bytes as they came: they are what is signed.
        String id = exchange.getRequestHeaders().getFirst("webhook-id");
        boolean fits = false; // Answers 2xx when it has the event, 400 when it is not from Heardback.
        try {
            long timestamp = Long.parseLong(exchange.getRequestHeaders().getFirst("webhook-timestamp"));
            var key = Base64.getDecoder().decode(System.getenv("SUBSCRIPTION_SECRET").replaceFirst("^whsec_", ""));
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            mac.update((id + "." + timestamp + ".").getBytes("UTF-8"));
            var wanted = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes("UTF-8");
            for (String token : exchange.getRequestHeaders().getFirst("webhook-signature").split(" "))
                fits |= MessageDigest.isEqual(wanted, token.getBytes("UTF-8")); // Two tokens while a secret changes.
            fits &= Math.abs(System.currentTimeMillis() / 1000 - timestamp) <= 300;
        } catch (GeneralSecurityException | RuntimeException error) { fits = false; }
        // The id is the same on every try. Put the event into a queue: an answer after 15 seconds is a failure.
        if (fits && done.add(id)) System.out.println(new String(body, "UTF-8"));
        exchange.sendResponseHeaders(fits ? 204 : 400, -1);
    }
    public static void main(String[] arguments) throws IOException {
        var server = HttpServer.create(new InetSocketAddress(Integer.parseInt(System.getenv("PORT"))), 0);
        server.createContext("/", EventReceiver::take);
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.start();
    }
}
