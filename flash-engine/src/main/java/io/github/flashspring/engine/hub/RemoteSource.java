package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.net.URI;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/**
 * The content of one file at its hub. Links to other hosts are kept for further ranges
 * until they expire.
 */
final class RemoteSource {

	private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

	/** With these, hosts of signed links answer when the link is too old. */
	private static final Set<Integer> EXPIRED = Set.of(400, 401, 403, 404, 410);

	private final HubClient client;

	private final Refusals refusals;

	private final URI resolve;

	private final RemoteFile file;

	private volatile @Nullable URI link;

	RemoteSource(HubClient client, HubApi api, String commit, RemoteFile file) {
		this.client = client;
		this.refusals = api.refusals();
		this.resolve = api.resolve(commit, file);
		this.file = file;
	}

	/**
	 * Opens a range.
	 * @param from first byte
	 * @param to behind the last byte
	 * @return a reply whose body holds the bytes, to be closed
	 * @throws RangesIgnoredException if the host sends all or nothing
	 * @throws HubException if it cannot be had
	 * @throws IOException if it may be had later
	 */
	Reply open(long from, long to) throws IOException, InterruptedException {
		boolean whole = from == 0 && to == this.file.size();
		URI known = this.link;
		Reply reply = this.client.get((known != null) ? known : this.resolve,
				whole ? null : "bytes=" + from + "-" + (to - 1));
		boolean good = false;
		try {
			check(reply, from, to, whole);
			if (!this.client.settings().isEndpoint(reply.uri())) {
				this.link = reply.uri();
			}
			good = true;
			return reply;
		}
		finally {
			if (!good) {
				this.link = null;
				reply.close();
			}
		}
	}

	private void check(Reply reply, long from, long to, boolean whole) throws IOException {
		int status = reply.status();
		if (EXPIRED.contains(status) && !this.client.settings().isEndpoint(reply.uri())) {
			throw new BusyException("the link to " + reply.uri().getHost() + " has expired (" + status + ")", null);
		}
		String what = "the file " + HubException.quote(this.file.path());
		if (status == 416) {
			throw new BusyException(reply.uri().getHost() + " has fewer than " + to + " bytes of " + what, null);
		}
		if (status != 200 && status != 206) {
			throw this.refusals.explain(reply, what);
		}
		String encoding = reply.header("Content-Encoding");
		if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
			throw new BusyException(
					reply.uri().getHost() + " sent " + what + " encoded as " + HubException.quote(encoding), null);
		}
		if (status == 200) {
			if (!whole) {
				throw new RangesIgnoredException();
			}
			String length = reply.header("Content-Length");
			if (length != null && !length.equals(Long.toString(this.file.size()))) {
				throw new BusyException(reply.uri().getHost() + " has " + HubException.quote(length) + " bytes of "
						+ what + ", expected " + this.file.size(), null);
			}
			return;
		}
		String range = reply.header("Content-Range");
		Matcher matcher = CONTENT_RANGE.matcher((range != null) ? range : "");
		boolean right = matcher.matches() && Long.parseLong(matcher.group(1)) == from
				&& Long.parseLong(matcher.group(2)) == to - 1
				&& (matcher.group(3).equals("*") || Long.parseLong(matcher.group(3)) == this.file.size());
		if (!right) {
			throw new BusyException(
					reply.uri().getHost() + " sent the range " + HubException.quote(String.valueOf(range)) + " of "
							+ what + ", expected bytes " + from + "-" + (to - 1) + "/" + this.file.size(),
					null);
		}
	}

	/** A host that answers a request for a range with the whole file. */
	static final class RangesIgnoredException extends IOException {

		private static final long serialVersionUID = 1L;

		RangesIgnoredException() {
			super("the host sends no ranges");
		}

	}

}
