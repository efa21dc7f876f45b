package io.github.flashspring.engine.text;

import java.util.List;

import org.jspecify.annotations.Nullable;

import io.github.flashspring.engine.text.RegexTree.Group;
import io.github.flashspring.engine.text.RegexTree.Piece;
import io.github.flashspring.engine.text.RegexTree.Repeat;

/**
 * Finds regular expressions of a {@code tokenizer.json} that may go back without end: the
 * native library tries one way after the other, and at ten million steps it ends the
 * whole process. Looks at the expression alone, so it refuses more than it must: whatever
 * may need more steps at one place than a small multiple of the text's length, as no
 * expression of a real model does. (How often an expression is tried is not bounded by
 * this: one that finds nothing is tried at every character.)
 */
final class Backtracking {

	private static final double MAX_WAYS = 1000;

	private static final double MAX_WAYS_IN_A_LOOP = 8;

	private Backtracking() {
	}

	/**
	 * Looks at an expression.
	 * @param regex in Oniguruma's syntax
	 * @return what is wrong, null if nothing is
	 */
	static @Nullable String problem(String regex) {
		String what;
		try {
			Cost cost = cost(RegexTree.parse(regex), false);
			double most = (cost.loops() == 0) ? MAX_WAYS : MAX_WAYS_IN_A_LOOP;
			if (cost.loops() <= 1 && cost.ways() <= most) {
				return null;
			}
			what = "may take unbounded time, since parts that match in several ways follow or contain each other";
		}
		catch (IllegalArgumentException ex) {
			what = ex.getMessage();
		}
		String shown = (regex.length() > 100) ? regex.substring(0, 100) + "…" : regex;
		return "the regular expression '" + shown + "' " + what;
	}

	/**
	 * Cost of a piece.
	 * @param piece the piece
	 * @param more whether something follows that may fail, so that all ways are tried
	 */
	private static Cost cost(Piece piece, boolean more) {
		return switch (piece) {
			case Group group -> cost(group, more);
			case Repeat repeat -> cost(repeat, more);
			default -> Cost.NONE;
		};
	}

	private static Cost cost(Group group, boolean more) {
		boolean after = more && !group.once();
		double sum = 0;
		double ways = 1;
		int loops = 0;
		for (List<Piece> alternative : group.alternatives()) {
			Cost cost = cost(alternative, after);
			sum += cost.ways();
			ways = Math.max(ways, cost.ways());
			loops = Math.max(loops, cost.loops());
		}
		return new Cost(after ? sum : ways, loops);
	}

	private static Cost cost(List<Piece> sequence, boolean more) {
		boolean after = more;
		double ways = 1;
		int loops = 0;
		for (Piece piece : sequence.reversed()) {
			Cost cost = cost(piece, after);
			ways *= cost.ways();
			loops += cost.loops();
			after |= canFail(piece);
		}
		return new Cost(ways, loops);
	}

	private static Cost cost(Repeat repeat, boolean more) {
		boolean after = more && !repeat.possessive();
		boolean manyTimes = repeat.most() > 1;
		boolean afterOne = after || repeat.least() > 1;
		if (manyTimes && afterOne && isAmbiguous(repeat.piece())) {
			return Cost.UNBOUNDED;
		}
		Cost one = cost(repeat.piece(), afterOne);
		if (!after || repeat.least() == repeat.most()) {
			return one;
		}
		if (repeat.most() == Integer.MAX_VALUE) {
			return new Cost(one.ways(), one.loops() + 1);
		}
		return new Cost(one.ways() * (repeat.most() - repeat.least() + 1.0), one.loops());
	}

	/** Whether a piece may match a text in several ways. */
	private static boolean isAmbiguous(Piece piece) {
		return switch (piece) {
			case Group group -> !group.once() && (group.alternatives().size() > 1
					|| group.alternatives().stream().flatMap(List::stream).anyMatch(Backtracking::isAmbiguous));
			case Repeat repeat ->
				!repeat.possessive() && (repeat.least() != repeat.most() || isAmbiguous(repeat.piece()));
			default -> false;
		};
	}

	private static boolean canFail(Piece piece) {
		return switch (piece) {
			case Group group -> group.alternatives().stream().flatMap(List::stream).anyMatch(Backtracking::canFail);
			case Repeat repeat -> repeat.least() > 0 && canFail(repeat.piece());
			default -> true;
		};
	}

	/**
	 * How much may be tried from one place of a text.
	 *
	 * @param ways factor of ways that does not depend on the text
	 * @param loops power of the text's length
	 */
	private record Cost(double ways, int loops) {

		static final Cost NONE = new Cost(1, 0);

		static final Cost UNBOUNDED = new Cost(Double.POSITIVE_INFINITY, 0);

	}

}
