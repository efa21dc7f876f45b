package io.github.flashspring.engine.generate.grammar;

import org.jspecify.annotations.Nullable;

/**
 * An entry of the automaton's stack, immutable and shared: where a rule returns to, or
 * how many repetitions are left.
 */
final class Frame {

	final @Nullable Frame parent;

	/** Where to go on, or -1 if this counts. */
	final int ret;

	/** Least repetitions that must follow. */
	final int min;

	/** Most repetitions that may follow, or {@link Expr#UNBOUNDED}. */
	final int max;

	final int depth;

	private final int hash;

	private Frame(@Nullable Frame parent, int ret, int min, int max) {
		this.parent = parent;
		this.ret = ret;
		this.min = min;
		this.max = max;
		this.depth = (parent != null) ? parent.depth + 1 : 1;
		this.hash = (((((parent != null) ? parent.hash : 7) * 31 + ret) * 31 + min) * 31 + max) * 0x9e3779b9;
	}

	static Frame call(@Nullable Frame parent, int ret) {
		return new Frame(parent, ret, 0, 0);
	}

	static Frame count(@Nullable Frame parent, int min, int max) {
		return new Frame(parent, -1, min, max);
	}

	/** One repetition less to do. */
	Frame counted() {
		if (this.min == 0 && this.max == Expr.UNBOUNDED) {
			return this;
		}
		return new Frame(this.parent, -1, Math.max(0, this.min - 1),
				(this.max == Expr.UNBOUNDED) ? this.max : this.max - 1);
	}

	/**
	 * The same stack as far as so many repetitions can tell: counters that they cannot
	 * exhaust are unbounded.
	 * @param frame top of a stack
	 * @param most repetitions
	 * @return top of the simpler stack
	 */
	static @Nullable Frame clamp(@Nullable Frame frame, int most) {
		if (frame == null) {
			return null;
		}
		Frame[] path = new Frame[frame.depth];
		int size = 0;
		for (Frame each = frame; each != null; each = each.parent) {
			path[size++] = each;
		}
		Frame clamped = null;
		for (int i = size - 1; i >= 0; i--) {
			Frame each = path[i];
			int min = Math.min(each.min, most + 1);
			int max = (each.ret < 0 && each.max > most) ? Expr.UNBOUNDED : each.max;
			clamped = (clamped == each.parent && min == each.min && max == each.max) ? each
					: new Frame(clamped, each.ret, min, max);
		}
		return clamped;
	}

	static boolean same(@Nullable Frame a, @Nullable Frame b) {
		Frame x = a;
		Frame y = b;
		while (x != y) {
			if (x == null || y == null || x.hash != y.hash || x.ret != y.ret || x.min != y.min || x.max != y.max
					|| x.depth != y.depth) {
				return false;
			}
			x = x.parent;
			y = y.parent;
		}
		return true;
	}

	static int hash(@Nullable Frame frame) {
		return (frame != null) ? frame.hash : 0;
	}

}
