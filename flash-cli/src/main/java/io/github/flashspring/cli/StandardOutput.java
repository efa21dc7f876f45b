package io.github.flashspring.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

import org.jspecify.annotations.Nullable;

/**
 * A stream of text in UTF-8 that remembers why it could not be written.
 */
final class StandardOutput extends PrintStream {

	private final Recorder recorder;

	StandardOutput(OutputStream stream) {
		this(new Recorder(stream));
	}

	private StandardOutput(Recorder recorder) {
		super(recorder, false, StandardCharsets.UTF_8);
		this.recorder = recorder;
	}

	/**
	 * Flushes.
	 * @return the first failure; null if all was written
	 */
	@Nullable IOException failure() {
		flush();
		return this.recorder.failure;
	}

	/** Remembers what a {@link PrintStream} swallows. */
	private static final class Recorder extends FilterOutputStream {

		private volatile @Nullable IOException failure;

		Recorder(OutputStream stream) {
			super(stream);
		}

		@Override
		public void write(int value) throws IOException {
			write(new byte[] { (byte) value }, 0, 1);
		}

		@Override
		public void write(byte[] bytes, int from, int length) throws IOException {
			try {
				this.out.write(bytes, from, length);
			}
			catch (IOException ex) {
				if (this.failure == null) {
					this.failure = ex;
				}
				throw ex;
			}
		}

	}

}
