package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import org.jspecify.annotations.Nullable;

/**
 * A hub as its clients see it, over real HTTP: an API with pages, files behind redirects
 * to another host with links that expire, and faults on demand.
 */
public final class FakeHub implements AutoCloseable {

	/** The only revision besides its commit. */
	public static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

	private final HttpServer hub;

	private final HttpServer files;

	private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

	private final Map<String, byte[]> content = new TreeMap<>();

	private final Map<String, String> links = new ConcurrentHashMap<>();

	private final Queue<Fault> faults = new ArrayDeque<>();

	private final AtomicInteger link = new AtomicInteger();

	private final AtomicLong bodyBytes = new AtomicLong();

	/** All requests: host, method, path and headers. */
	final List<Request> requests = Collections.synchronizedList(new ArrayList<>());

	volatile String repository = "org/name";

	volatile int pageSize = 1000;

	volatile int largeFrom = 1 << 12;

	volatile long stallMillis = 400;

	volatile long pauseMillis;

	volatile boolean noRanges;

	volatile @Nullable String requiredToken;

	volatile @Nullable String refusal;

	volatile int refusalStatus = 403;

	public FakeHub() throws IOException {
		this.hub = server("localhost", this::api);
		this.files = server("127.0.0.1", this::file);
	}

	private HttpServer server(String host, Handler handler) throws IOException {
		HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 100);
		server.setExecutor(this.threads);
		server.createContext("/", (exchange) -> {
			try (exchange) {
				this.requests.add(new Request(host, exchange.getRequestURI().toString(),
						Map.copyOf(exchange.getRequestHeaders())));
				handler.handle(exchange);
			}
		});
		server.start();
		return server;
	}

	/**
	 * {@return the address of the hub, whose host is not that of its files}
	 */
	public String endpoint() {
		return "http://localhost:" + this.hub.getAddress().getPort();
	}

	public FakeHub with(String path, byte[] bytes) {
		this.content.put(path, bytes);
		return this;
	}

	public FakeHub with(String path, String text) {
		return with(path, text.getBytes(StandardCharsets.UTF_8));
	}

	void without(String path) {
		this.content.remove(path);
	}

	byte[] bytes(String path) {
		byte[] bytes = this.content.get(path);
		if (bytes == null) {
			throw new IllegalArgumentException(path);
		}
		return bytes;
	}

	Map<String, byte[]> content() {
		return this.content;
	}

	/** Lets the next requests meet these faults, one each. */
	void script(List<Fault> script) {
		synchronized (this.faults) {
			this.faults.clear();
			this.faults.addAll(script);
		}
	}

	/**
	 * {@return bytes of files that went out}
	 */
	public long bodyBytes() {
		return this.bodyBytes.get();
	}

	private Fault fault() {
		synchronized (this.faults) {
			Fault next = this.faults.poll();
			return (next != null) ? next : Fault.NONE;
		}
	}

	private void api(HttpExchange exchange) throws IOException {
		String path = exchange.getRequestURI().getPath();
		String token = this.requiredToken;
		if (token != null && !("Bearer " + token).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
			refuse(exchange, 401, "RepoNotFound");
			return;
		}
		if (this.refusal != null && path.contains("/resolve/")) {
			refuse(exchange, this.refusalStatus, this.refusal);
			return;
		}
		String api = "/api/models/" + this.repository;
		if (path.startsWith(api + "/revision/")) {
			String revision = path.substring((api + "/revision/").length());
			if (!List.of("main", "refs/pr/1", COMMIT).contains(revision)) {
				refuse(exchange, 404, "RevisionNotFound");
			}
			else if (!busy(exchange, fault())) {
				json(exchange, "{\"id\":\"" + this.repository + "\",\"sha\":\"" + COMMIT + "\"}");
			}
		}
		else if (path.equals(api + "/tree/" + COMMIT)) {
			tree(exchange);
		}
		else if (path.startsWith("/" + this.repository + "/resolve/" + COMMIT + "/")) {
			resolve(exchange, path.substring(("/" + this.repository + "/resolve/" + COMMIT + "/").length()));
		}
		else {
			refuse(exchange, 404, "RepoNotFound");
		}
	}

	private void tree(HttpExchange exchange) throws IOException {
		Fault fault = fault();
		if (busy(exchange, fault)) {
			return;
		}
		String query = exchange.getRequestURI().getQuery();
		int from = query.contains("cursor=") ? Integer.parseInt(query.replaceAll(".*cursor=(\\d+).*", "$1")) : 0;
		List<String> paths = new ArrayList<>(this.content.keySet());
		int to = Math.min(paths.size(), from + this.pageSize);
		StringBuilder json = new StringBuilder("[{\"type\":\"directory\",\"path\":\"sub\",\"oid\":\"x\"}");
		for (String path : paths.subList(from, to)) {
			byte[] bytes = bytes(path);
			json.append(",{\"type\":\"file\",\"path\":\"")
				.append(path.replace("\\", "\\\\").replace("\"", "\\\"").replace("\u0000", "\\u0000"))
				.append("\",\"size\":")
				.append(bytes.length)
				.append(",\"oid\":\"")
				.append(gitHash(bytes))
				.append('"');
			if (isLarge(bytes)) {
				json.append(",\"lfs\":{\"oid\":\"").append(sha256(bytes)).append("\",\"size\":").append(bytes.length);
				json.append(",\"pointerSize\":134}");
			}
			json.append('}');
		}
		if (to < paths.size()) {
			exchange.getResponseHeaders()
				.set("Link", "<" + endpoint() + exchange.getRequestURI().getPath() + "?recursive=true&cursor=" + to
						+ ">; rel=\"next\"");
		}
		byte[] body = json.append(']').toString().getBytes(StandardCharsets.UTF_8);
		if (fault == Fault.SHORT_PAGE) {
			exchange.sendResponseHeaders(200, body.length);
			exchange.getResponseBody().write(body, 0, body.length / 2);
			return;
		}
		json(exchange, new String(body, StandardCharsets.UTF_8));
	}

	private void resolve(HttpExchange exchange, String path) throws IOException {
		byte[] bytes = this.content.get(path);
		if (bytes == null) {
			refuse(exchange, 404, "EntryNotFound");
			return;
		}
		Fault fault = fault();
		if (busy(exchange, fault)) {
			return;
		}
		exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
		if (isLarge(bytes)) {
			String name = "/signed/" + this.link.incrementAndGet();
			this.links.put(name, path);
			exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + sha256(bytes) + "\"");
			exchange.getResponseHeaders().set("X-Linked-Size", Integer.toString(bytes.length));
			exchange.getResponseHeaders()
				.set("Location", "http://127.0.0.1:" + this.files.getAddress().getPort() + name + "?secret=signature");
			exchange.sendResponseHeaders(302, -1);
			return;
		}
		exchange.getResponseHeaders().set("ETag", "\"" + gitHash(bytes) + "\"");
		send(exchange, bytes, fault);
	}

	private void file(HttpExchange exchange) throws IOException {
		String name = exchange.getRequestURI().getPath();
		String path = this.links.get(name);
		Fault fault = fault();
		if (path == null || fault == Fault.EXPIRED) {
			this.links.remove(name);
			exchange.sendResponseHeaders(403, -1);
			return;
		}
		if (!busy(exchange, fault)) {
			send(exchange, bytes(path), fault);
		}
	}

	private void send(HttpExchange exchange, byte[] bytes, Fault fault) throws IOException {
		String range = exchange.getRequestHeaders().getFirst("Range");
		int from = 0;
		int to = bytes.length;
		boolean whole = range == null || this.noRanges || fault == Fault.NO_RANGES;
		if (!whole) {
			from = Integer.parseInt(range.replaceAll("bytes=(\\d+)-(\\d+)", "$1"));
			to = Math.min(to, Integer.parseInt(range.replaceAll("bytes=(\\d+)-(\\d+)", "$2")) + 1);
			exchange.getResponseHeaders()
				.set("Content-Range", "bytes " + ((fault == Fault.WRONG_RANGE) ? from + 1 : from) + "-" + (to - 1) + "/"
						+ bytes.length);
		}
		byte[] body = Arrays.copyOfRange(bytes, from, to);
		if (fault == Fault.DAMAGED && body.length > 0) {
			body[body.length / 2] ^= 1;
		}
		exchange.sendResponseHeaders(whole ? 200 : 206, (body.length > 0) ? body.length : -1);
		int length = (fault == Fault.CUT || fault == Fault.STALL) ? body.length / 2 : body.length;
		OutputStream out = exchange.getResponseBody();
		int step = (this.pauseMillis > 0) ? 1 << 12 : Math.max(1, length);
		for (int at = 0; at < length; at += step) {
			out.write(body, at, Math.min(step, length - at));
			out.flush();
			this.bodyBytes.addAndGet(Math.min(step, length - at));
			sleep(this.pauseMillis);
		}
		if (fault == Fault.STALL) {
			sleep(this.stallMillis);
		}
	}

	private static boolean busy(HttpExchange exchange, Fault fault) throws IOException {
		if (fault != Fault.BUSY && fault != Fault.TOO_MANY) {
			return false;
		}
		exchange.getResponseHeaders().set("Retry-After", "0");
		exchange.sendResponseHeaders((fault == Fault.BUSY) ? 503 : 429, -1);
		return true;
	}

	private static void refuse(HttpExchange exchange, int status, String code) throws IOException {
		exchange.getResponseHeaders().set("X-Error-Code", code);
		exchange.sendResponseHeaders(status, -1);
	}

	private static void json(HttpExchange exchange, String text) throws IOException {
		byte[] body = text.getBytes(StandardCharsets.UTF_8);
		exchange.getResponseHeaders().set("Content-Type", "application/json");
		exchange.sendResponseHeaders(200, body.length);
		exchange.getResponseBody().write(body);
	}

	private static void sleep(long millis) {
		try {
			if (millis > 0) {
				Thread.sleep(millis);
			}
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
	}

	private boolean isLarge(byte[] bytes) {
		return bytes.length >= this.largeFrom;
	}

	static String sha256(byte[] bytes) {
		return Hashes.sha256(bytes);
	}

	static String gitHash(byte[] bytes) {
		return Hashes.git(bytes);
	}

	@Override
	public void close() {
		this.hub.stop(0);
		this.files.stop(0);
		this.threads.shutdownNow();
	}

	@FunctionalInterface
	private interface Handler {

		void handle(HttpExchange exchange) throws IOException;

	}

}
