package io.github.flashspring.engine.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

import io.github.flashspring.engine.device.Tensor;

/**
 * Copies, fills and converts rows.
 */
final class CpuCopies {

	private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
		.withOrder(ByteOrder.LITTLE_ENDIAN);

	private final PoolSession pool;

	CpuCopies(PoolSession pool) {
		this.pool = pool;
	}

	void copy(Tensor out, Tensor x) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Checks.writable("out", target);
		Checks.shape("out", target, source.count(), source.columns());
		if (target.type() != source.type()) {
			throw new IllegalArgumentException("Expected out of type " + source.type() + ", found " + target.type());
		}
		run(target, (from, to, worker) -> {
			for (int r = from; r < to; r++) {
				copyRow(source, r, target, r);
			}
		});
	}

	void fill(Tensor out, float value) {
		Rows target = Rows.of(out);
		Checks.writable("out", target);
		Checks.activation("out", target);
		run(target, (from, to, worker) -> {
			for (int r = from; r < to; r++) {
				long at = target.row(r);
				for (int c = 0; c < target.columns(); c++) {
					target.memory().set(PortableKernels.FLOAT, at + 4L * c, value);
				}
			}
		});
	}

	void broadcast(Tensor out, Tensor x) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Checks.writable("out", target);
		Checks.activation("out", target);
		Checks.number("x", source);
		Checks.shape("x", source, 1, target.columns());
		run(target, (from, to, worker) -> {
			convertRow(source, 0, target, from);
			for (int r = from + 1; r < to; r++) {
				copyRow(target, from, target, r);
			}
		});
	}

	void convert(Tensor out, Tensor x) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Checks.writable("out", target);
		Checks.number("out", target);
		Checks.number("x", source);
		Checks.shape("out", target, source.count(), source.columns());
		run(target, (from, to, worker) -> {
			for (int r = from; r < to; r++) {
				convertRow(source, r, target, r);
			}
		});
	}

	void gather(Tensor out, Tensor x, int[] rows) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Checks.writable("out", target);
		Checks.activation("x", source);
		Checks.activation("out", target, rows.length, source.columns());
		Checks.indices("rows of x", rows, target.count(), source.count());
		for (int r = 0; r < target.count(); r++) {
			copyRow(source, rows[r], target, r);
		}
	}

	void scatter(Tensor out, Tensor x, int[] rows) {
		Rows target = Rows.of(out);
		Rows source = Rows.of(x);
		Checks.writable("out", target);
		Checks.activation("x", source);
		Checks.activation("out", target, target.count(), source.columns());
		Checks.indices("rows of out", rows, source.count(), target.count());
		for (int r = 0; r < source.count(); r++) {
			copyRow(source, r, target, rows[r]);
		}
	}

	private void run(Rows target, WorkerPool.Band band) {
		this.pool.run(target.count(), CpuDevice.grain(target.columns()), band);
	}

	private static void copyRow(Rows source, int from, Rows target, int to) {
		MemorySegment.copy(source.memory(), source.row(from), target.memory(), target.row(to),
				(long) source.columns() * source.type().bytes());
	}

	private static void convertRow(Rows source, int from, Rows target, int to) {
		if (source.type() == target.type()) {
			copyRow(source, from, target, to);
			return;
		}
		long at = source.row(from);
		long out = target.row(to);
		for (int c = 0; c < source.columns(); c++) {
			set(target, out + (long) c * target.type().bytes(), get(source, at + (long) c * source.type().bytes()));
		}
	}

	private static float get(Rows rows, long offset) {
		return switch (rows.type()) {
			case F16 -> Float.float16ToFloat(rows.memory().get(SHORT, offset));
			case BF16 -> Float.intBitsToFloat(rows.memory().get(SHORT, offset) << Short.SIZE);
			default -> rows.memory().get(PortableKernels.FLOAT, offset);
		};
	}

	private static void set(Rows rows, long offset, float value) {
		switch (rows.type()) {
			case F16 -> rows.memory().set(SHORT, offset, Float.floatToFloat16(value));
			case BF16 -> rows.memory().set(SHORT, offset, brain(value));
			default -> rows.memory().set(PortableKernels.FLOAT, offset, value);
		}
	}

	/** The nearest BF16; what is not a number stays none. */
	private static short brain(float value) {
		int bits = Float.floatToRawIntBits(value);
		if (Float.isNaN(value)) {
			return (short) ((bits >>> Short.SIZE) | 0x40);
		}
		return (short) ((bits + 0x7fff + ((bits >>> Short.SIZE) & 1)) >>> Short.SIZE);
	}

}
