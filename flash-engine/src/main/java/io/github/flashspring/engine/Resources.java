package io.github.flashspring.engine;

import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/** Closes what was opened, the latest first, once. */
final class Resources implements AutoCloseable {

	private final List<AutoCloseable> opened = new ArrayList<>();

	<T extends AutoCloseable> T add(T resource) {
		this.opened.add(resource);
		return resource;
	}

	void closeAfter(Throwable cause) {
		try {
			close();
		}
		catch (RuntimeException ex) {
			cause.addSuppressed(ex);
		}
	}

	@Override
	public synchronized void close() {
		RuntimeException failure = null;
		for (AutoCloseable resource : this.opened.reversed()) {
			failure = close(resource, failure);
		}
		this.opened.clear();
		if (failure != null) {
			throw failure;
		}
	}

	private static @Nullable RuntimeException close(AutoCloseable resource, @Nullable RuntimeException earlier) {
		try {
			resource.close();
			return earlier;
		}
		catch (Exception ex) {
			RuntimeException failure = (earlier != null) ? earlier
					: new FlashEngineException("Cannot close the engine", ex);
			if (earlier != null) {
				earlier.addSuppressed(ex);
			}
			return failure;
		}
	}

}
