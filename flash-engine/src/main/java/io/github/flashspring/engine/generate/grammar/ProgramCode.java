package io.github.flashspring.engine.generate.grammar;

import java.util.Arrays;

/**
 * The instructions of a {@link Program} while it is compiled.
 */
final class ProgramCode {

	/** Instructions of a program: 8 MiB. */
	private static final int MAX_CODE = 1 << 21;

	private int[] code = new int[256];

	private int size;

	int size() {
		return this.size;
	}

	int get(int at) {
		return this.code[at];
	}

	void set(int at, int instruction) {
		this.code[at] = instruction;
	}

	void add(int instruction) {
		if (this.size == MAX_CODE) {
			throw new GrammarException(
					"The grammar is too large: it needs more than %d instructions. Use fewer or shorter values and properties."
						.formatted(MAX_CODE));
		}
		if (this.size == this.code.length) {
			this.code = Arrays.copyOf(this.code, 2 * this.size);
		}
		this.code[this.size++] = instruction;
	}

	/** Emits a split; gives where its targets are to be set. */
	int split(int count) {
		add(Program.SPLIT | count << 8);
		int at = this.size;
		for (int i = 0; i < count; i++) {
			add(0);
		}
		return at;
	}

	/** Emits a branch of ranges, each with its target. */
	int branch(int... ranges) {
		int at = this.size;
		add(Program.BRANCH | (ranges.length / 3) << 8);
		for (int i = 0; i < ranges.length; i += 3) {
			add(ranges[i] | ranges[i + 1] << 8);
			add(ranges[i + 2]);
		}
		return at;
	}

	int[] toArray() {
		return Arrays.copyOf(this.code, this.size);
	}

}
