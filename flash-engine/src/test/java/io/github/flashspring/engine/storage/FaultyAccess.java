package io.github.flashspring.engine.storage;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import io.github.flashspring.engine.checkpoint.FileVersion;
import org.jspecify.annotations.Nullable;

/**
 * Real files behind which tests put faults: each read of a file asks {@link Fault} what
 * happens to it.
 */
public final class FaultyAccess implements FileAccess {

	private final FileAccess real;

	private final Faults faults;

	private FaultyAccess(FileAccess real, Faults faults) {
		this.real = real;
		this.faults = faults;
	}

	@Override
	public int read(ByteBuffer target, long offset) throws IOException {
		this.faults.reads.incrementAndGet();
		Fault fault = this.faults.fault;
		return (fault != null) ? fault.read(this.real, target, offset) : this.real.read(target, offset);
	}

	/** Faults see one target, as large as all. */
	@Override
	public long read(ByteBuffer[] targets, long offset) throws IOException {
		this.faults.scattered.incrementAndGet();
		this.faults.reads.incrementAndGet();
		Fault fault = this.faults.fault;
		if (fault == null) {
			return this.real.read(targets, offset);
		}
		int length = Arrays.stream(targets).mapToInt(ByteBuffer::remaining).sum();
		try (Arena arena = Arena.ofShared()) {
			ByteBuffer all = arena.allocate(length, 1 << 16).asByteBuffer();
			int count = fault.read(this.real, all, offset);
			all.clear();
			for (ByteBuffer target : targets) {
				int part = target.remaining();
				target.put(all.slice(all.position(), part));
				all.position(all.position() + part);
			}
			return count;
		}
	}

	@Override
	public long size() throws IOException {
		return this.real.size();
	}

	@Override
	public @Nullable FileVersion version() throws IOException {
		return this.real.version();
	}

	@Override
	public void forget(long offset, long length) {
		this.faults.forgotten.addAndGet(length);
		this.real.forget(offset, length);
	}

	@Override
	public void close() throws IOException {
		this.real.close();
	}

	/**
	 * What happens to a read.
	 */
	@FunctionalInterface
	public interface Fault {

		int read(FileAccess real, ByteBuffer target, long offset) throws IOException;

		/** Delivers at most so many bytes, and rubbish behind them. */
		static Fault shortReads(int most) {
			return (real, target, offset) -> {
				int start = target.position();
				int count = real.read(target, offset);
				for (int i = start + most; i < start + count; i++) {
					target.put(i, (byte) 0x55);
				}
				return Math.min(count, most);
			};
		}

		/** Fails the first reads, then not. */
		static Fault first(int failures, IOException failure) {
			AtomicInteger left = new AtomicInteger(failures);
			return (real, target, offset) -> {
				if (left.getAndDecrement() > 0) {
					throw failure;
				}
				return real.read(target, offset);
			};
		}

		/** Fails every nth read. */
		static Fault every(int nth, IOException failure) {
			AtomicInteger count = new AtomicInteger();
			return (real, target, offset) -> {
				if (count.incrementAndGet() % nth == 0) {
					throw failure;
				}
				return real.read(target, offset);
			};
		}

		/** Fails every read. */
		static Fault always(IOException failure) {
			return (real, target, offset) -> {
				throw failure;
			};
		}

		/** Every nth read takes so long. */
		static Fault spikes(int every, long millis) {
			AtomicInteger count = new AtomicInteger();
			return (real, target, offset) -> {
				if (count.incrementAndGet() % every == 0) {
					try {
						Thread.sleep(millis);
					}
					catch (InterruptedException ex) {
						throw new AssertionError("readers are not interrupted", ex);
					}
				}
				return real.read(target, offset);
			};
		}

	}

	/**
	 * Opens real files with faults, and counts.
	 */
	public static final class Faults implements FileAccess.Opener {

		public volatile @Nullable Fault fault;

		public volatile boolean refuseDirect;

		public volatile boolean refuseDirectReads;

		public volatile long blockSize;

		public final AtomicInteger reads = new AtomicInteger();

		/** Those of them that have several targets. */
		public final AtomicInteger scattered = new AtomicInteger();

		public final AtomicLong forgotten = new AtomicLong();

		@Override
		public FileAccess open(Path file, boolean direct) throws IOException {
			if (direct && this.refuseDirect) {
				throw new IOException("Invalid argument");
			}
			FileAccess real = SystemFileAccess.OPENER.open(file, direct);
			if (direct && this.refuseDirectReads) {
				Faults refused = new Faults();
				refused.fault = Fault.always(new IOException("Invalid argument"));
				return new FaultyAccess(real, refused);
			}
			return new FaultyAccess(real, this);
		}

		@Override
		public long blockSize(Path file) throws IOException {
			return (this.blockSize != 0) ? this.blockSize : SystemFileAccess.OPENER.blockSize(file);
		}

	}

}
