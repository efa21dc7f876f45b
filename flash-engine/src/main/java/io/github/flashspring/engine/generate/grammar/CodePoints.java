package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * A set of Unicode code points.
 *
 * @param bounds first and last code point of each range, rising and apart
 */
record CodePoints(int[] bounds) {

	static final CodePoints NONE = new CodePoints(new int[0]);

	static final CodePoints ALL = range(0, Character.MAX_CODE_POINT);

	static CodePoints range(int low, int high) {
		return new CodePoints(new int[] { low, high });
	}

	static CodePoints of(int... points) {
		List<int[]> ranges = new ArrayList<>();
		for (int point : points) {
			ranges.add(new int[] { point, point });
		}
		return ofRanges(ranges);
	}

	static CodePoints ofRanges(List<int[]> ranges) {
		List<int[]> sorted = new ArrayList<>(ranges);
		sorted.sort(Comparator.comparingInt((range) -> range[0]));
		int[] bounds = new int[2 * sorted.size()];
		int size = 0;
		for (int[] range : sorted) {
			if (size > 0 && range[0] <= bounds[size - 1] + 1) {
				bounds[size - 1] = Math.max(bounds[size - 1], range[1]);
			}
			else {
				bounds[size++] = range[0];
				bounds[size++] = range[1];
			}
		}
		return new CodePoints(Arrays.copyOf(bounds, size));
	}

	List<int[]> ranges() {
		List<int[]> ranges = new ArrayList<>();
		for (int i = 0; i < this.bounds.length; i += 2) {
			ranges.add(new int[] { this.bounds[i], this.bounds[i + 1] });
		}
		return ranges;
	}

	CodePoints or(CodePoints other) {
		List<int[]> ranges = ranges();
		ranges.addAll(other.ranges());
		return ofRanges(ranges);
	}

	CodePoints not() {
		List<int[]> ranges = new ArrayList<>();
		int from = 0;
		for (int i = 0; i < this.bounds.length; i += 2) {
			if (this.bounds[i] > from) {
				ranges.add(new int[] { from, this.bounds[i] - 1 });
			}
			from = this.bounds[i + 1] + 1;
		}
		if (from <= Character.MAX_CODE_POINT) {
			ranges.add(new int[] { from, Character.MAX_CODE_POINT });
		}
		return ofRanges(ranges);
	}

	boolean contains(int point) {
		for (int i = 0; i < this.bounds.length; i += 2) {
			if (point >= this.bounds[i] && point <= this.bounds[i + 1]) {
				return true;
			}
		}
		return false;
	}

}
