package io.github.flashspring.engine.generate.grammar;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/**
 * Where a {@link Program} stands after some bytes: all its places at once, each with its
 * stack. Immutable.
 */
final class Automaton {

	/** Places at once: a grammar with more is too ambiguous to follow. */
	private static final int MAX_PLACES = 8192;

	/**
	 * Frames of a stack. Jackson reads JSON of at most 1000 levels, each of which takes
	 * two or three frames.
	 */
	private static final int MAX_DEPTH = 3000;

	/** A quotation mark. */
	private static final int END_OF_TEXT = Program.BYTE | '"' << 8 | '"' << 16;

	private final Program program;

	private final int[] places;

	private final @Nullable Frame[] stacks;

	private final int size;

	private final boolean accepting;

	private final int hash;

	private Automaton(Program program, int[] places, @Nullable Frame[] stacks, int size, boolean accepting) {
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

	/**
	 * Follows all instructions that take no byte.
	 */
	private static final class Closure {

		private final Program program;

		private final Places seen = new Places();

		private int[] places = new int[4];

		private @Nullable Frame[] stacks = new Frame[4];

		private int size;

		private boolean accepting;

		private int[] openPlaces = new int[8];

		private @Nullable Frame[] openStacks = new Frame[8];

		private int open;

		Closure(Program program) {
			this.program = program;
		}

		void add(int place, @Nullable Frame stack) {
			push(place, stack);
			int[] code = this.program.code();
			while (this.open > 0) {
				this.open--;
				int at = this.openPlaces[this.open];
				Frame frame = this.openStacks[this.open];
				int instruction = code[at];
				switch (Program.op(instruction)) {
					case Program.BYTE, Program.BRANCH, Program.BRANCH_TEXT -> consume(at, frame);
					case Program.SPLIT -> {
						if (this.seen.add(at, frame)) {
							for (int i = Program.argument(instruction); i > 0; i--) {
								push(code[at + i], frame);
							}
						}
					}
					case Program.JUMP -> push(code[at + 1], frame);
					case Program.CALL -> {
						// A call before a return needs no frame: lists written as
						// right-recursive rules do not grow the stack.
						int ret = at + 2;
						while (Program.op(code[ret]) == Program.JUMP) {
							ret = code[ret + 1];
						}
						if (Program.op(code[ret]) == Program.RETURN) {
							push(code[at + 1], frame);
						}
						else if (frame == null || frame.depth < MAX_DEPTH) {
							push(code[at + 1], Frame.call(frame, ret));
						}
					}
					case Program.RETURN -> {
						if (frame == null) {
							this.accepting = true;
						}
						else {
							push(frame.ret, frame.parent);
						}
					}
					case Program.COUNT -> push(at + 3, Frame.count(frame, code[at + 1], code[at + 2]));
					case Program.LOOP -> loop(at, top(frame));
					case Program.TICK -> {
						Frame ticked = tick(top(frame), Program.argument(instruction));
						if (ticked != null) {
							push(at + 1, ticked);
						}
					}
					case Program.TICK_LEFT -> {
						if (tick(top(frame), 0) != null) {
							push(at + 1, frame);
						}
					}
					case Program.DROP -> push(at + 1, top(frame).parent);
					default -> throw new IllegalStateException("Unknown instruction " + instruction);
				}
			}
		}

		private void loop(int at, Frame frame) {
			int[] code = this.program.code();
			boolean empty = Program.argument(code[at]) != 0;
			// A repetition that took no byte leads nowhere new.
			if (empty && !this.seen.add(at, frame.parent)) {
				return;
			}
			if (frame.min == 0) {
				push(code[at + 1], frame.parent);
			}
			if (frame.max > 0) {
				push(at + 2, frame.counted());
			}
		}

		/** Counts at the nearest counter, which lies below the frames of its rules. */
		private static @Nullable Frame tick(Frame frame, int reserve) {
			if (frame.ret < 0) {
				return (frame.max > reserve) ? frame.counted() : null;
			}
			Frame parent = tick(top(frame.parent), reserve);
			return (parent != null) ? Frame.call(parent, frame.ret) : null;
		}

		private static Frame top(@Nullable Frame frame) {
			if (frame == null) {
				throw new IllegalStateException("A counter is missing");
			}
			return frame;
		}

		private void push(int place, @Nullable Frame stack) {
			if (this.open == this.openPlaces.length) {
				this.openPlaces = Arrays.copyOf(this.openPlaces, 2 * this.open);
				this.openStacks = Arrays.copyOf(this.openStacks, 2 * this.open);
			}
			this.openPlaces[this.open] = place;
			this.openStacks[this.open++] = stack;
		}

		private void consume(int place, @Nullable Frame stack) {
			if (!this.seen.add(place, stack)) {
				return;
			}
			if (this.size == MAX_PLACES) {
				throw new GrammarException(
						"The grammar is too ambiguous: it can be followed at more than %d places at once"
							.formatted(MAX_PLACES));
			}
			if (this.size == this.places.length) {
				this.places = Arrays.copyOf(this.places, 2 * this.size);
				this.stacks = Arrays.copyOf(this.stacks, 2 * this.size);
			}
			this.places[this.size] = place;
			this.stacks[this.size++] = stack;
		}

		Automaton toAutomaton() {
			return new Automaton(this.program, this.places, this.stacks, this.size, this.accepting);
		}

	}

	/** A set of places with their stacks. */
	private static final class Places {

		private int[] places = new int[8];

		private @Nullable Frame[] stacks = new Frame[8];

		/** Index + 1 of an entry, by hash; empty while there are few. */
		private int[] table = {};

		private int size;

		boolean add(int place, @Nullable Frame stack) {
			if (this.table.length == 0) {
				for (int i = 0; i < this.size; i++) {
					if (this.places[i] == place && Frame.same(this.stacks[i], stack)) {
						return false;
					}
				}
			}
			else if (!insert(place, stack, this.size)) {
				return false;
			}
			if (this.size == this.places.length) {
				this.places = Arrays.copyOf(this.places, 2 * this.size);
				this.stacks = Arrays.copyOf(this.stacks, 2 * this.size);
			}
			this.places[this.size] = place;
			this.stacks[this.size++] = stack;
			if (this.size >= 8 && 2 * this.size > this.table.length) {
				this.table = new int[8 * this.size];
				for (int i = 0; i < this.size; i++) {
					insert(this.places[i], this.stacks[i], i);
				}
			}
			return true;
		}

		private boolean insert(int place, @Nullable Frame stack, int index) {
			int hash = (place * 31 + Frame.hash(stack)) * 0x9e3779b9;
			int slot = Math.floorMod(hash ^ hash >>> 16, this.table.length);
			while (this.table[slot] != 0) {
				int found = this.table[slot] - 1;
				if (this.places[found] == place && Frame.same(this.stacks[found], stack)) {
					return false;
				}
				slot = (slot + 1 == this.table.length) ? 0 : slot + 1;
			}
			this.table[slot] = index + 1;
			return true;
		}

	}

}
