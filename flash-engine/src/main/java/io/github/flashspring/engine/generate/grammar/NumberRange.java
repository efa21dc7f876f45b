package io.github.flashspring.engine.generate.grammar;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * Numbers between bounds, as JSON writes them: an automaton over digits that compares
 * with both bounds as it reads. A zero has no sign.
 *
 * @param min lower bound, null: none
 * @param minExclusive whether the number must be above it
 * @param max upper bound, null: none
 * @param maxExclusive whether the number must be below it
 * @param fraction most digits behind the point; 0 for integers
 */
record NumberRange(@Nullable BigDecimal min, boolean minExclusive, @Nullable BigDecimal max, boolean maxExclusive,
		int fraction) {

	/**
	 * Digits before the point if no bound asks for more: those that a long always holds.
	 */
	static final int DIGITS = 18;

	/** Digits behind the point: a double has 17 that mean something. */
	static final int FRACTION = 17;

	/** Digits of a bound. */
	static final int MAX_DIGITS = 1000;

	static final NumberRange ALL = new NumberRange(null, false, null, false, FRACTION);

	NumberRange and(NumberRange other) {
		BigDecimal low = this.min;
		boolean lowExclusive = this.minExclusive;
		if (other.min != null) {
			int compared = (low == null) ? 1 : other.min.compareTo(low);
			lowExclusive = (compared > 0) ? other.minExclusive : lowExclusive || compared == 0 && other.minExclusive;
			low = (compared > 0) ? other.min : low;
		}
		BigDecimal high = this.max;
		boolean highExclusive = this.maxExclusive;
		if (other.max != null) {
			int compared = (high == null) ? -1 : other.max.compareTo(high);
			highExclusive = (compared < 0) ? other.maxExclusive : highExclusive || compared == 0 && other.maxExclusive;
			high = (compared < 0) ? other.max : high;
		}
		return new NumberRange(low, lowExclusive, high, highExclusive, Math.min(this.fraction, other.fraction));
	}

	boolean contains(BigDecimal value) {
		boolean low = this.min == null || value.compareTo(this.min) > (this.minExclusive ? 0 : -1);
		boolean high = this.max == null || value.compareTo(this.max) < (this.maxExclusive ? 0 : 1);
		return low && high && (this.fraction >= FRACTION || value.stripTrailingZeros().scale() <= this.fraction);
	}

	/** Whether no number is in both. */
	boolean isDisjointFrom(NumberRange other) {
		NumberRange both = and(other);
		if (both.min == null || both.max == null) {
			return false;
		}
		int compared = both.min.compareTo(both.max);
		return compared > 0 || compared == 0 && (both.minExclusive || both.maxExclusive);
	}

	Expr toExpr() {
		List<Expr> choices = new ArrayList<>();
		boolean bounded = this.min != null || this.max != null;
		boolean exponent = !bounded && this.fraction >= FRACTION;
		BigDecimal low = this.min;
		BigDecimal high = this.max;
		if (high == null || high.signum() >= 0) {
			boolean positive = low != null && low.signum() >= 0;
			choices.add(new Digits((low != null && positive) ? low : BigDecimal.ZERO, positive && this.minExclusive,
					high, this.maxExclusive, this.fraction, exponent)
				.toExpr());
		}
		if (low == null || low.signum() < 0) {
			boolean negative = high != null && high.signum() < 0;
			choices.add(Expr.seq(Expr.literal("-"),
					new Digits((high != null && negative) ? high.negate() : BigDecimal.ZERO,
							!negative || this.maxExclusive, (low != null) ? low.negate() : null, this.minExclusive,
							this.fraction, exponent)
						.toExpr()));
		}
		return new Expr.Alt(choices);
	}

	/** Decimals without sign between bounds. */
	private static final class Digits {

		private final String lowWhole;

		private final String lowFraction;

		private final boolean lowExclusive;

		private final @Nullable String highWhole;

		private final String highFraction;

		private final boolean highExclusive;

		private final int fraction;

		private final int maxDigits;

		private final boolean exponent;

		private final Map<State, Integer> numbers = new HashMap<>();

		private final List<State> open = new ArrayList<>();

		private final MachineBuilder machine = new MachineBuilder();

		Digits(BigDecimal low, boolean lowExclusive, @Nullable BigDecimal high, boolean highExclusive, int fraction,
				boolean exponent) {
			this.lowWhole = whole(low);
			this.lowFraction = fraction(low);
			this.lowExclusive = lowExclusive;
			this.highWhole = (high != null) ? whole(high) : null;
			this.highFraction = (high != null) ? fraction(high) : "";
			this.highExclusive = highExclusive;
			this.exponent = exponent;
			int scale = Math.max(this.lowFraction.length(), this.highFraction.length());
			this.fraction = (fraction < FRACTION) ? fraction : Math.max(FRACTION, scale + 1);
			this.maxDigits = (this.highWhole != null) ? this.highWhole.length()
					: Math.max(DIGITS, this.lowWhole.length() + 1);
		}

		private static String whole(BigDecimal value) {
			return value.toBigInteger().toString();
		}

		private static String fraction(BigDecimal value) {
			String plain = value.stripTrailingZeros().toPlainString();
			int point = plain.indexOf('.');
			return (point < 0) ? "" : plain.substring(point + 1);
		}

		Expr toExpr() {
			number(new State(Phase.BEGIN, 0, 0, 0));
			for (int i = 0; i < this.open.size(); i++) {
				State state = this.open.get(i);
				List<int[]> edges = edges(state);
				this.machine.define(i, edges, accepts(state) ? 0 : -1);
			}
			return this.machine.build(List.of(Expr.EMPTY));
		}

		private int number(State state) {
			Integer known = this.numbers.get(state);
			if (known == null) {
				known = this.open.size();
				this.numbers.put(state, known);
				this.open.add(state);
				this.machine.reserve(1);
			}
			return known;
		}

		private List<int[]> edges(State state) {
			List<int[]> edges = new ArrayList<>();
			switch (state.phase()) {
				case BEGIN -> {
					edges.add(edge('0', compare(state, 0, Phase.ZERO)));
					for (int digit = 1; digit <= 9; digit++) {
						edges.add(edge('0' + digit, compare(state, digit, Phase.WHOLE)));
					}
				}
				case ZERO, WHOLE -> {
					State ended = ended(state);
					if (ended != null && this.fraction > 0) {
						edges.add(edge('.', new State(Phase.POINT, 0, ended.low(), ended.high())));
					}
					if (state.phase() == Phase.WHOLE && state.count() < this.maxDigits) {
						for (int digit = 0; digit <= 9; digit++) {
							edges.add(edge('0' + digit, compare(state, digit, Phase.WHOLE)));
						}
					}
					addExponent(edges);
				}
				case POINT, FRACTION -> {
					for (int digit = 0; digit <= 9 && state.count() < this.fraction; digit++) {
						State next = compareFraction(state, digit);
						if (next != null) {
							edges.add(edge('0' + digit, next));
						}
					}
					if (state.phase() == Phase.FRACTION) {
						addExponent(edges);
					}
				}
				case EXPONENT -> {
					edges.add(edge('+', new State(Phase.SIGN, 0, 0, 0)));
					edges.add(edge('-', new State(Phase.SIGN, 0, 0, 0)));
					addPower(edges, 0);
				}
				case SIGN -> addPower(edges, 0);
				case POWER -> addPower(edges, state.count());
			}
			return edges;
		}

		private int[] edge(int value, State target) {
			return new int[] { value, value, number(target) };
		}

		private void addExponent(List<int[]> edges) {
			if (this.exponent) {
				State target = new State(Phase.EXPONENT, 0, 0, 0);
				edges.add(edge('E', target));
				edges.add(edge('e', target));
			}
		}

		/** At most two digits, so that a double holds the number. */
		private void addPower(List<int[]> edges, int count) {
			if (count < 2) {
				edges.add(new int[] { '0', '9', number(new State(Phase.POWER, count + 1, 0, 0)) });
			}
		}

		private State compare(State state, int digit, Phase phase) {
			int low = compareAt(this.lowWhole, state.count(), digit, state.low());
			int high = (this.highWhole != null) ? compareAt(this.highWhole, state.count(), digit, state.high()) : 0;
			return new State(phase, state.count() + 1, low, high);
		}

		private static int compareAt(String bound, int index, int digit, int before) {
			return (before != 0 || index >= bound.length()) ? before
					: Integer.compare(digit, bound.charAt(index) - '0');
		}

		/** How the number compares when its whole part is complete; null if it is out. */
		private @Nullable State ended(State state) {
			int low = (state.count() != this.lowWhole.length()) ? Integer.compare(state.count(), this.lowWhole.length())
					: state.low();
			int high = (this.highWhole == null) ? -1 : (state.count() != this.highWhole.length())
					? Integer.compare(state.count(), this.highWhole.length()) : state.high();
			return (low < 0 || high > 0) ? null : new State(Phase.POINT, 0, low, high);
		}

		private @Nullable State compareFraction(State state, int digit) {
			int low = compareFractionAt(this.lowFraction, state.count(), digit, state.low());
			int high = compareFractionAt(this.highFraction, state.count(), digit, state.high());
			return (low < 0 || high > 0) ? null : new State(Phase.FRACTION, state.count() + 1, low, high);
		}

		private static int compareFractionAt(String bound, int index, int digit, int before) {
			int other = (index < bound.length()) ? bound.charAt(index) - '0' : 0;
			return (before != 0) ? before : Integer.compare(digit, other);
		}

		private boolean accepts(State state) {
			State ended = switch (state.phase()) {
				case ZERO, WHOLE -> ended(state);
				case FRACTION -> state;
				case POWER -> {
					yield new State(Phase.FRACTION, 0, 1, -1);
				}
				default -> null;
			};
			if (ended == null) {
				return false;
			}
			boolean lowRest = ended.count() < this.lowFraction.length();
			boolean highRest = ended.count() < this.highFraction.length();
			boolean low = ended.low() > 0 || !lowRest && !this.lowExclusive;
			boolean high = ended.high() < 0 || highRest || !this.highExclusive;
			return low && high;
		}

	}

	private enum Phase {

		BEGIN, ZERO, WHOLE, POINT, FRACTION, EXPONENT, SIGN, POWER

	}

	/** Where an automaton stands, and how the digits so far compare with the bounds. */
	private record State(Phase phase, int count, int low, int high) {

	}

}
