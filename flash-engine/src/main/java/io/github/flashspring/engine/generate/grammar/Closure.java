package io.github.flashspring.engine.generate.grammar;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/**
 * Follows all instructions of a {@link Program} that take no byte.
 */
final class Closure {

	/** Places at once: a grammar with more is too ambiguous to follow. */
	private static final int MAX_PLACES = 8192;

	/**
	 * Frames of a stack. Jackson reads JSON of at most 1000 levels, each of which takes
	 * two or three frames.
	 */
	private static final int MAX_DEPTH = 3000;

	private final Program program;

	private final PlaceSet seen = new PlaceSet();

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
			throw new GrammarException("The grammar is too ambiguous: it can be followed at more than %d places at once"
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
