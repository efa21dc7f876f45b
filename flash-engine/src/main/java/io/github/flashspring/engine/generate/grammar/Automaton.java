package io.github.flashspring.engine.generate.grammar;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/**
 * Where a {@link Program} stands after some bytes: all its places at once, each with its
 * stack. Immutable.
 */
final class Automaton {

	/** A quotation mark. */
	private static final int END_OF_TEXT = Program.BYTE | '"' << 8 | '"' << 16;

	private final Program program;

	private final int[] places;

	private final @Nullable Frame[] stacks;

	private final int size;

	private final boolean accepting;

	private final int hash;

	Automaton(Program program, int[] places, @Nullable Frame[] stacks, int size, boolean accepting) {
		this.program = program;
		this.places = places;
		this.stacks = stacks;
		this.size = size;
		this.accepting = accepting;
		int code = accepting ? 1 : 0;
		for (int i = 0; i < size; i++) {
			code = (code * 31 + places[i]) * 31 + Frame.hash(stacks[i]);
		}
		this.hash = code ^ code >>> 15;
	}

	static Automaton start(Program program) {
		Closure closure = new Closure(program);
		closure.add(program.start(), null);
		return closure.toAutomaton();
	}

	/**
	 * Goes on with a byte.
	 * @param value 0 to 255
	 * @return where that leads; dead if it is not admitted
	 */
	Automaton step(int value) {
		int[] code = this.program.code();
		Closure closure = new Closure(this.program);
		for (int i = 0; i < this.size; i++) {
			int place = this.places[i];
			int instruction = code[place];
			if (Program.op(instruction) == Program.BYTE) {
				if (value >= (instruction >>> 8 & 0xff) && value <= (instruction >>> 16 & 0xff)) {
					closure.add(place + 1, this.stacks[i]);
				}
			}
			else {
				int target = target(code, place, value);
				if (target >= 0) {
					closure.add(target, this.stacks[i]);
				}
			}
		}
		return closure.toAutomaton();
	}

	private static int target(int[] code, int place, int value) {
		int low = 0;
		int high = Program.argument(code[place]) - 1;
		while (low <= high) {
			int middle = (low + high) >>> 1;
			int range = code[place + 1 + 2 * middle];
			if (value < (range & 0xff)) {
				high = middle - 1;
			}
			else if (value > range >>> 8) {
				low = middle + 1;
			}
			else {
				return code[place + 2 + 2 * middle];
			}
		}
		return -1;
	}

	Automaton step(byte[] bytes) {
		Automaton at = this;
		for (int i = 0; i < bytes.length && !at.isDead(); i++) {
			at = at.step(bytes[i] & 0xff);
		}
		return at;
	}

	/** Whether nothing is admitted any more, not even the end. */
	boolean isDead() {
		return this.size == 0 && !this.accepting;
	}

	/** Whether the text may end here. */
	boolean isAccepting() {
		return this.accepting;
	}

	/** Whether the text must end here. */
	boolean isComplete() {
		return this.size == 0 && this.accepting;
	}

	/**
	 * Characters of a JSON string of which any may come next.
	 * @return most characters; 0 if this is not within a JSON string,
	 * {@link Expr#UNBOUNDED} without a bound, -1 if that depends on more
	 */
	int jsonCharacters() {
		int[] code = this.program.code();
		int found = 0;
		boolean others = false;
		for (int i = 0; i < this.size; i++) {
			int instruction = code[this.places[i]];
			if (Program.op(instruction) == Program.BRANCH_TEXT) {
				Frame frame = this.stacks[i];
				if (frame == null || frame.max == Expr.UNBOUNDED) {
					return Expr.UNBOUNDED;
				}
				others |= found != 0;
				found = frame.max + 1;
			}
			else {
				// Nothing but the end of the text does not begin with a plain character.
				others |= instruction != END_OF_TEXT;
			}
		}
		return (found != 0 && others) ? -1 : found;
	}

	/**
	 * The same as far as so many bytes can tell.
	 * @param bytes most bytes
	 * @return where counters that they cannot exhaust are unbounded
	 */
	Automaton clamp(int bytes) {
		@Nullable Frame[] clamped = null;
		for (int i = 0; i < this.size; i++) {
			Frame frame = Frame.clamp(this.stacks[i], bytes + this.program.maxReserve());
			if (frame != this.stacks[i]) {
				clamped = (clamped != null) ? clamped : Arrays.copyOf(this.stacks, this.size);
				clamped[i] = frame;
			}
		}
		return (clamped != null) ? new Automaton(this.program, this.places, clamped, this.size, this.accepting) : this;
	}

	/** Bytes of memory that this takes at most, if it shares nothing. */
	long memoryBytes() {
		long bytes = 96 + 8L * this.size;
		for (int i = 0; i < this.size; i++) {
			Frame frame = this.stacks[i];
			bytes += (frame != null) ? 40L * Math.min(frame.depth, 8) : 0;
		}
		return bytes;
	}

	@Override
	public boolean equals(@Nullable Object other) {
		if (!(other instanceof Automaton that) || this.hash != that.hash || this.size != that.size
				|| this.accepting != that.accepting || this.program != that.program) {
			return false;
		}
		for (int i = 0; i < this.size; i++) {
			if (this.places[i] != that.places[i] || !Frame.same(this.stacks[i], that.stacks[i])) {
				return false;
			}
		}
		return true;
	}

	@Override
	public int hashCode() {
		return this.hash;
	}

}
