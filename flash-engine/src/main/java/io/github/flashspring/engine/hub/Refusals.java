package io.github.flashspring.engine.hub;

import java.io.IOException;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.checkpoint.HubId;

/**
 * What a hub means by a status that is no success, and what its user can do about it.
 */
final class Refusals {

	private final HubSettings settings;

	private final HubId id;

	Refusals(HubSettings settings, HubId id) {
		this.settings = settings;
		this.id = id;
	}

	/**
	 * Explains a reply.
	 * @param reply the reply; stays open
	 * @param what was asked for
	 * @return why it cannot be had, for good
	 * @throws IOException if it may be had later
	 */
	HubException explain(Reply reply, String what) throws IOException {
		int status = reply.status();
		String host = reply.uri().getHost();
		if (status == 429 || status == 408 || status >= 500) {
			throw new BusyException(host + " answered "
					+ ((status == 429) ? "429: too many requests" : status + ((status == 503) ? ": unavailable" : "")),
					reply.retryAfter());
		}
		String code = reply.header("X-Error-Code");
		if ("GatedRepo".equals(code)) {
			return gated();
		}
		if ("RevisionNotFound".equals(code)) {
			return new HubException(
					"The repository " + this.id.repository() + " has no revision "
							+ HubException.quote(this.id.revision()) + ".",
					"Give a branch, a tag or a commit that " + page() + " lists.");
		}
		if ("EntryNotFound".equals(code)) {
			return new HubException("The repository " + this.id.repository() + " has no " + what + ".",
					"It may have been changed meanwhile: repeat it.");
		}
		if ("RepoNotFound".equals(code) || status == 401 || status == 404) {
			return unknown(status);
		}
		return new HubException(
				"Cannot fetch " + what + " of " + this.id.repository() + ": " + host + " answered " + status
						+ ((code != null) ? " (" + HubException.quote(code) + ")" : "") + ".",
				"Check HF_ENDPOINT" + ((status == 403) ? ", HF_TOKEN, and what a proxy may forbid." : "."));
	}

	private HubException gated() {
		String token = "set HF_TOKEN to an access token of that account (" + this.settings.endpoint()
				+ "/settings/tokens)";
		return new HubException(
				"The repository " + this.id.repository() + " is gated: its owner decides who may download it"
						+ known(", and the account of the access token that was sent may not") + ".",
				"Open " + page() + ", accept the licence and wait for access if it must be granted, then " + token
						+ ".");
	}

	private HubException unknown(int status) {
		return new HubException(
				((status == 401 && this.settings.token() != null)
						? this.settings.endpoint().getHost() + " did not accept the access token, or there" : "There")
						+ " is no repository " + this.id.repository() + " at " + this.settings.endpoint()
						+ ", or it is private.",
				"Check how it is written. "
						+ known("Check HF_TOKEN: it must be valid and may need the right to read it.",
								"For a private one, set HF_TOKEN."));
	}

	private String known(String withToken) {
		return known(withToken, "");
	}

	private String known(String withToken, String without) {
		@Nullable AccessToken token = this.settings.token();
		return (token != null) ? withToken : without;
	}

	private String page() {
		return this.settings.endpoint() + "/" + this.id.repository();
	}

}
