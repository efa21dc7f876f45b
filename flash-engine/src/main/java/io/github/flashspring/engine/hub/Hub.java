package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.function.Consumer;

import io.github.flashspring.engine.checkpoint.HubId;

/**
 * A Hugging Face hub or a mirror of it. Safe for use by several threads.
 */
public final class Hub implements AutoCloseable {

	private final HubSettings settings;

	private final HubClient client;

	/**
	 * A hub with these settings; nothing is asked of it yet.
	 * @param settings where it is and how it is asked
	 */
	public Hub(HubSettings settings) {
		this.settings = settings;
		this.client = new HubClient(settings);
	}

	/**
	 * Downloads a model into the cache, or what is missing of it. What an earlier run
	 * left is used; what an interrupted run has brought is kept.
	 * @param id the model
	 * @param listener hears how far it is, from several threads but one at a time
	 * @return the folder of the model
	 * @throws HubException if it cannot be had; the message says what to do
	 */
	public Path pull(HubId id, Consumer<DownloadProgress> listener) {
		return local("download " + id, () -> new Pull(this.client, id, new Tally(id.toString(), listener)).run());
	}

	/**
	 * Reads only what is needed to plan a model: its config and the headers of its
	 * weights.
	 * @param id the model
	 * @return its outline, to be closed
	 * @throws HubException if it cannot be had; the message says what to do
	 */
	public ModelOutline outline(HubId id) {
		return local("read the headers of " + id, () -> new OutlineReader(this.client, id).read());
	}

	private <T> T local(String what, Retries.Work<T> work) {
		try {
			return work.run();
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new HubException("Interrupted while it was to " + what + ".", "Repeat it: what has arrived is kept.",
					ex);
		}
		catch (IOException ex) {
			String reason = (ex instanceof FileSystemException) ? ex.toString() : ex.getMessage();
			throw new HubException(
					"Cannot " + what + ": the cache " + this.settings.cache() + " cannot be written (" + reason + ").",
					"Check its permissions and the space on its disk; HF_HUB_CACHE names another folder. What has arrived"
							+ " is kept.",
					ex);
		}
	}

	@Override
	public void close() {
		this.client.close();
	}

}
