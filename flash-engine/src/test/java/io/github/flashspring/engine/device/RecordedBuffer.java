package io.github.flashspring.engine.device;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

/**
 * Memory of a {@link RecordingDevice}. What the host sees and what the device sees are
 * two memories, so that one of them keeps what was not handed over. Memory that nobody
 * wrote holds NaNs.
 */
final class RecordedBuffer implements SharedBuffer {

	private final Recorder recorder;

	/** What the device sees. */
	private final SharedBuffer real;

	/** What the host sees; null if it never does. */
	private final @Nullable MemorySegment host;

	private final @Nullable Buffer hostBuffer;

	private final boolean constant;

	private @Nullable Buffer shadow;

	private boolean closed;

	private RecordedBuffer(Recorder recorder, SharedBuffer real, @Nullable MemorySegment host,
			@Nullable Buffer hostBuffer, boolean constant) {
		this.recorder = recorder;
		this.real = real;
		this.host = host;
		this.hostBuffer = hostBuffer;
		this.constant = constant;
	}

	static RecordedBuffer allocate(Device device, Recorder recorder, long bytes) {
		return new RecordedBuffer(recorder, poisoned(device, bytes), null, null, false);
	}

	static RecordedBuffer allocateShared(Device device, Recorder recorder, long bytes) {
		SharedBuffer host = poisoned(device, bytes);
		return new RecordedBuffer(recorder, poisoned(device, bytes), host.memory(), host, false);
	}

	static RecordedBuffer wrap(Device device, Recorder recorder, MemorySegment segment) {
		device.wrap(segment).close(); // refuses what it cannot wrap
		SharedBuffer copy = device.allocateShared(segment.byteSize());
		copy.memory().copyFrom(segment);
		return new RecordedBuffer(recorder, copy, segment, null, true);
	}

	private static SharedBuffer poisoned(Device device, long bytes) {
		SharedBuffer buffer = device.allocateShared(bytes);
		buffer.memory().fill((byte) 0xff);
		return buffer;
	}

	/** Memory of the same length for who checks operands before they are recorded. */
	Buffer shadow(Device checker) {
		Buffer known = this.shadow;
		if (known == null) {
			known = this.constant ? checker.wrap(this.real.memory()) : checker.allocate(byteSize());
			this.shadow = known;
		}
		return known;
	}

	Buffer real() {
		if (this.closed) {
			throw new IllegalStateException("A buffer of " + byteSize() + " bytes is used after it was closed");
		}
		return this.real;
	}

	@Override
	public MemorySegment memory() {
		if (this.host == null || this.constant) {
			throw new IllegalStateException("The host does not see this memory");
		}
		return this.host;
	}

	@Override
	public long byteSize() {
		return this.real.byteSize();
	}

	void written(long from, long length) {
		Objects.checkFromIndexSize(from, length, byteSize());
		this.recorder.requireUnused(this, from, from + length, "written by the host");
		this.real.memory().asSlice(from, length).copyFrom(memory().asSlice(from, length));
	}

	/** Fails if the host wrote where recorded work is about to read. */
	void requireUnchanged(long from, long to) {
		MemorySegment seen = this.host;
		if (seen != null && MemorySegment.mismatch(seen, from, to, this.real.memory(), from, to) >= 0) {
			throw new IllegalStateException("The host changed bytes " + from + " … " + to + " of "
					+ (this.constant ? "wrapped" : "shared") + " memory that recorded work uses, and did not say so");
		}
	}

	@Override
	public void close() {
		if (!this.closed) {
			this.recorder.requireUnused(this, 0, byteSize(), "closed");
			this.closed = true;
			this.real.close();
			if (this.shadow != null) {
				this.shadow.close();
			}
			if (this.hostBuffer != null) {
				this.hostBuffer.close();
			}
		}
	}

}
