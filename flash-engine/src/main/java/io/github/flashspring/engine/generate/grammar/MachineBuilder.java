package io.github.flashspring.engine.generate.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Builds an {@link Expr.Machine} from transitions over code points, which become those
 * over the bytes of UTF-8, with the same suffixes shared.
 *
 * @see <a href="https://swtch.com/~rsc/regexp/regexp3.html">Cox: Regular Expression
 * Matching in the Wild</a>
 */
final class MachineBuilder {

	/** States of a machine. */
	static final int MAX_STATES = 1 << 17;

	private static final String SHORT_ESCAPES = "\bb\tt\nn\ff\rr\"\"\\\\";

	private final List<Expr.Machine.State> states = new ArrayList<>();

	private final Map<List<Integer>, Integer> shared = new HashMap<>();

	/**
	 * Adds states that are defined later.
	 * @param count how many; the first of all begins
	 */
	void reserve(int count) {
		for (int i = 0; i < count; i++) {
			add(new Expr.Machine.State(new int[0], new int[0], new int[0], -1));
		}
	}

	private int add(Expr.Machine.State state) {
		if (this.states.size() == MAX_STATES) {
			throw new GrammarException("A pattern is too complex: it needs more than %d states".formatted(MAX_STATES));
		}
		this.states.add(state);
		return this.states.size() - 1;
	}

	/**
	 * Defines a state by bytes.
	 * @param state a reserved state
	 * @param edges first and last byte and target of each, rising
	 * @param exit its exit or -1
	 */
	void define(int state, List<int[]> edges, int exit) {
		this.states.set(state, state(edges, exit));
	}

	private static Expr.Machine.State state(List<int[]> edges, int exit) {
		return new Expr.Machine.State(edges.stream().mapToInt((edge) -> edge[0]).toArray(),
				edges.stream().mapToInt((edge) -> edge[1]).toArray(),
				edges.stream().mapToInt((edge) -> edge[2]).toArray(), exit);
	}

	/**
	 * Defines a state by code points.
	 * @param state a reserved state
	 * @param edges first and last code point and target of each, rising
	 * @param exit its exit or -1
	 * @param json whether they are written within a JSON string: controls, quotation
	 * marks and backslashes as escapes, anything else as it is
	 */
	void defineCharacters(int state, List<int[]> edges, int exit, boolean json) {
		List<Sequence> sequences = new ArrayList<>();
		List<int[]> escaped = new ArrayList<>();
		for (int[] edge : edges) {
			int from = edge[0];
			while (from <= edge[1]) {
				if (json && isEscaped(from)) {
					escaped.add(new int[] { from, edge[2] });
					from++;
					continue;
				}
				int to = edge[1];
				if (json) {
					for (int each : new int[] { '"', '\\' }) {
						to = (from < each && to >= each) ? each - 1 : to;
					}
				}
				split(from, to, edge[2], sequences);
				from = to + 1;
			}
		}
		sequences.sort((a, b) -> a.lows[0] - b.lows[0]);
		List<int[]> bytes = edges(sequences, 0);
		if (!escaped.isEmpty()) {
			bytes.add(new int[] { '\\', '\\', escapes(escaped) });
			bytes.sort((a, b) -> a[0] - b[0]);
		}
		define(state, bytes, exit);
	}

	private static boolean isEscaped(int point) {
		return point < 0x20 || point == '"' || point == '\\';
	}

	/** A state behind a backslash. */
	private int escapes(List<int[]> escaped) {
		List<int[]> edges = new ArrayList<>();
		List<int[]> controls = new ArrayList<>();
		for (int[] each : escaped) {
			int index = SHORT_ESCAPES.indexOf(each[0]);
			if (index >= 0 && index % 2 == 0) {
				int letter = SHORT_ESCAPES.charAt(index + 1);
				edges.add(new int[] { letter, letter, each[1] });
			}
			if (each[0] < 0x20) {
				controls.add(each);
			}
		}
		if (!controls.isEmpty()) {
			List<int[]> highs = new ArrayList<>();
			for (int high = 0; high < 2; high++) {
				List<int[]> lows = new ArrayList<>();
				for (int[] each : controls) {
					if (each[0] >> 4 == high) {
						int low = each[0] & 15;
						lows.add(edge(Character.forDigit(low, 16), each[1]));
						if (low > 9) {
							lows.add(edge(Character.toUpperCase(Character.forDigit(low, 16)), each[1]));
						}
					}
				}
				if (!lows.isEmpty()) {
					highs.add(edge('0' + high, share(lows)));
				}
			}
			int zero = share(List.of(edge('0', share(highs))));
			edges.add(edge('u', share(List.of(edge('0', zero)))));
		}
		return share(edges);
	}

	private static int[] edge(int value, int target) {
		return new int[] { value, value, target };
	}

	private int share(List<int[]> edges) {
		List<int[]> sorted = new ArrayList<>(edges);
		sorted.sort((a, b) -> a[0] - b[0]);
		List<Integer> key = sorted.stream().flatMap((edge) -> Arrays.stream(edge).boxed()).toList();
		Integer known = this.shared.get(key);
		if (known == null) {
			known = add(state(sorted, -1));
			this.shared.put(key, known);
		}
		return known;
	}

	private List<int[]> edges(List<Sequence> sequences, int depth) {
		List<int[]> edges = new ArrayList<>();
		int from = 0;
		while (from < sequences.size()) {
			Sequence first = sequences.get(from);
			int to = from + 1;
			while (to < sequences.size() && sequences.get(to).lows[depth] == first.lows[depth]) {
				to++;
			}
			int target = (first.lows.length == depth + 1) ? first.target
					: share(edges(sequences.subList(from, to), depth + 1));
			int last = edges.size() - 1;
			if (last >= 0 && edges.get(last)[1] == first.lows[depth] - 1 && edges.get(last)[2] == target) {
				edges.get(last)[1] = first.highs[depth];
			}
			else {
				edges.add(new int[] { first.lows[depth], first.highs[depth], target });
			}
			from = to;
		}
		return edges;
	}

	/** Splits a range so that each part is one sequence of ranges of bytes. */
	private static void split(int low, int high, int target, List<Sequence> to) {
		for (int last : new int[] { 0x7f, 0x7ff, 0xd7ff, 0xffff }) {
			if (low <= last && high > last) {
				split(low, last, target, to);
				split(last + 1, high, target, to);
				return;
			}
		}
		if (low >= 0xd800 && low <= 0xdfff) {
			if (high > 0xdfff) {
				split(0xe000, high, target, to);
			}
			return;
		}
		if (low > high) {
			return;
		}
		int length = utf8(low).length;
		for (int i = 1; i < length; i++) {
			int mask = (1 << 6 * i) - 1;
			if ((low & ~mask) != (high & ~mask)) {
				if ((low & mask) != 0) {
					split(low, low | mask, target, to);
					split((low | mask) + 1, high, target, to);
					return;
				}
				if ((high & mask) != mask) {
					split(low, (high & ~mask) - 1, target, to);
					split(high & ~mask, high, target, to);
					return;
				}
			}
		}
		to.add(new Sequence(utf8(low), utf8(high), target));
	}

	private static int[] utf8(int point) {
		byte[] bytes = Character.toString(point).getBytes(StandardCharsets.UTF_8);
		int[] values = new int[bytes.length];
		for (int i = 0; i < values.length; i++) {
			values[i] = bytes[i] & 0xff;
		}
		return values;
	}

	Expr.Machine build(List<Expr> exits) {
		return new Expr.Machine(List.copyOf(this.states), exits);
	}

	/**
	 * One character of a set.
	 * @param set the characters
	 * @return the expression
	 */
	static Expr character(CodePoints set) {
		MachineBuilder machine = new MachineBuilder();
		machine.reserve(2);
		machine.defineCharacters(0, set.ranges().stream().map((range) -> new int[] { range[0], range[1], 1 }).toList(),
				-1, false);
		machine.define(1, List.of(), 0);
		return machine.build(List.of(Expr.EMPTY));
	}

	/** Ranges of bytes, one for each place, that lead to a target. */
	private record Sequence(int[] lows, int[] highs, int target) {

	}

}
