package io.github.flashspring.jinja;

import java.util.AbstractList;

/**
 * Python's range, at most 100,000 long as in its sandbox.
 */
final class Range extends AbstractList<Object> {

	private static final long MOST = 100_000;

	private final long start;

	private final long stop;

	private final long step;

	private final int size;

	Range(long start, long stop, long step) {
		if (step == 0) {
			throw JinjaException.value("range() arg 3 must not be zero");
		}
		this.start = start;
		this.stop = stop;
		this.step = step;
		// doubles, since the difference of two longs may not fit a long
		double span = Math.ceil(((double) stop - (double) start) / step);
		if (span > MOST) {
			throw JinjaException.limit("Range too big. The sandbox blocks ranges larger than " + MOST);
		}
		this.size = (int) Math.max(0, span);
	}

	@Override
	public Object get(int index) {
		return this.start + index * this.step;
	}

	@Override
	public int size() {
		return this.size;
	}

	@Override
	public String toString() {
		return "range(" + this.start + ", " + this.stop + ((this.step == 1) ? "" : ", " + this.step) + ")";
	}

}
