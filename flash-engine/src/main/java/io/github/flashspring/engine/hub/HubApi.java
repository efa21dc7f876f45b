package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.checkpoint.HubId;

/**
 * What a hub says about one repository: the commit of a revision, and its files.
 */
final class HubApi {

	private static final int MAX_ANSWER = 32 << 20;

	private static final int MAX_PAGES = 200;

	private static final int MAX_FILES = 100_000;

	private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

	private static final Pattern NEXT = Pattern.compile("<([^<>]{1,4096})>\\s*;\\s*rel=\"?next\"?");

	private static final JsonMapper JSON = JsonMapper
		.builder(JsonFactory.builder()
			.streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(64).maxStringLength(1 << 20).build())
			.build())
		.build();

	private final HubClient client;

	private final HubId id;

	private final Refusals refusals;

	private final LongConsumer fetched;

	/**
	 * Asks about a repository.
	 * @param client sends
	 * @param id the repository and revision
	 * @param fetched hears how many bytes came
	 */
	HubApi(HubClient client, HubId id, LongConsumer fetched) {
		this.client = client;
		this.id = id;
		this.refusals = new Refusals(client.settings(), id);
		this.fetched = fetched;
	}

	/**
	 * {@return the commit that the revision stands for}
	 */
	String commit() throws IOException, InterruptedException {
		String what = "the revision " + HubException.quote(this.id.revision()) + " of " + this.id.repository();
		JsonNode answer = page(uri("/api/models/" + this.id.repository() + "/revision/" + encode(this.id.revision())),
				what)
			.content();
		String commit = answer.path("sha").asString("");
		if (!COMMIT.matcher(commit).matches()) {
			throw unexpected("a commit of 40 hexadecimal digits", what);
		}
		return commit;
	}

	/**
	 * Lists all files.
	 * @param commit of which commit
	 * @return the files as the hub names them
	 */
	List<RemoteFile> files(String commit) throws IOException, InterruptedException {
		String what = "the list of files of " + this.id.repository();
		List<RemoteFile> files = new ArrayList<>();
		URI next = uri("/api/models/" + this.id.repository() + "/tree/" + commit + "?recursive=true");
		for (int page = 0; next != null; page++) {
			Page answer = page(next, what);
			if (page == MAX_PAGES || files.size() + answer.content().size() > MAX_FILES
					|| !answer.content().isArray()) {
				throw unexpected("an array of at most " + MAX_FILES + " files", what);
			}
			for (JsonNode entry : answer.content()) {
				if (entry.path("type").asString("").equals("file")) {
					files.add(file(entry, what));
				}
			}
			next = answer.next();
		}
		return files;
	}

	private RemoteFile file(JsonNode entry, String what) {
		JsonNode large = entry.path("lfs");
		String oid = (large.isObject() ? large : entry).path("oid").asString("");
		JsonNode size = large.path("size").isNumber() ? large.path("size") : entry.path("size");
		// Older hubs write the algorithm before the hash.
		String etag = oid.startsWith("sha256:") ? oid.substring("sha256:".length()) : oid;
		if (!RemoteFile.isHash(etag) || large.isObject() != (etag.length() == 64)) {
			throw unexpected("a SHA-256 or git's SHA-1 for each file", what);
		}
		if (!size.isIntegralNumber() || !size.canConvertToLong() || size.longValue() < 0) {
			throw unexpected("a size for each file", what);
		}
		return new RemoteFile(entry.path("path").asString(""), size.longValue(), etag);
	}

	private Page page(URI uri, String what) throws IOException, InterruptedException {
		return new Retries(this.client.settings(), what).run(() -> {
			try (Reply reply = this.client.get(uri, null)) {
				if (reply.status() != 200) {
					throw this.refusals.explain(reply, what);
				}
				byte[] bytes = reply.bytes(MAX_ANSWER);
				this.fetched.accept(bytes.length);
				return new Page(JSON.readTree(bytes), next(uri, reply.header("Link")));
			}
			catch (JacksonException ex) {
				throw unexpected("JSON", what);
			}
		});
	}

	/** The token goes to the endpoint alone, and so do pages. */
	private @Nullable URI next(URI uri, @Nullable String links) {
		Matcher matcher = NEXT.matcher((links != null) ? links : "");
		if (!matcher.find()) {
			return null;
		}
		try {
			URI next = uri.resolve(URI.create(matcher.group(1)));
			if (this.client.settings().isEndpoint(next)) {
				return next;
			}
		}
		catch (IllegalArgumentException ex) {
			// said below
		}
		throw unexpected("a next page at the same address", "the list of files of " + this.id.repository());
	}

	/**
	 * {@return where a file lies}
	 */
	URI resolve(String commit, RemoteFile file) {
		StringBuilder path = new StringBuilder("/" + this.id.repository() + "/resolve/" + commit);
		file.names().forEach((name) -> path.append('/').append(encode(name)));
		return uri(path.toString());
	}

	Refusals refusals() {
		return this.refusals;
	}

	private URI uri(String path) {
		return URI.create(this.client.settings().endpoint() + path);
	}

	private static String encode(String text) {
		return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
	}

	private HubException unexpected(String expected, String what) {
		return new HubException(this.client.settings().endpoint() + " answered something else than expected for " + what
				+ ": expected " + expected + ".", "Check that HF_ENDPOINT is a hub or a mirror of one.");
	}

	private record Page(JsonNode content, @Nullable URI next) {

	}

}
