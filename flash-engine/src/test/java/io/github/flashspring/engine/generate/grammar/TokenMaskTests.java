package io.github.flashspring.engine.generate.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.jspecify.annotations.Nullable;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Masks against trying each token alone.
 */
class TokenMaskTests {

	private static final long CACHE = 1 << 20;

	private static final String[] PIECES = { "a", "b", "ab", "aa", "\"", "\\", "n", "u00", "0", "1", "-", ".", "{", "}",
			"[", "]", ",", ":", " ", "\n", "é", "€", "😀", "true", "\":", "\",", "\u0001", "bab", "}]", "]}" };

	@Property(tries = 300)
	void masksAreThoseOfTryingEachToken(@ForAll("grammars") Expr expression,
			@ForAll("vocabularies") List<byte @Nullable []> tokens, @ForAll long seed) {
		Grammar grammar = new Grammar();
		grammar.add("root", expression);
		CompiledGrammar compiled;
		try {
			compiled = CompiledGrammar.of(grammar, new TokenVocabulary(tokens), CACHE);
		}
		catch (GrammarException ex) {
			assertThat(ex).hasMessageStartingWith("No text matches");
			return;
		}
		Random random = new Random(seed);
		GrammarConstraint constraint = (GrammarConstraint) compiled.constraint();
		Automaton reference = compiled.start();
		for (int step = 0; step < 12; step++) {
			List<Integer> admitted = new ArrayList<>();
			for (int id = 0; id < tokens.size(); id++) {
				byte[] token = tokens.get(id);
				if (token != null && token.length > 0 && !reference.step(token).isDead()) {
					admitted.add(id);
				}
			}
			assertThat(ids(constraint.admitted())).isEqualTo(admitted);
			assertThat(constraint.mayEnd()).isEqualTo(reference.isAccepting());
			if (admitted.isEmpty()) {
				return;
			}
			int token = admitted.get(random.nextInt(admitted.size()));
			constraint.advance(token);
			reference = reference.step(tokens.get(token));
		}
	}

	private static List<Integer> ids(long[] mask) {
		return BitSet.valueOf(mask).stream().boxed().toList();
	}

	@Provide
	Arbitrary<List<byte @Nullable []>> vocabularies() {
		Arbitrary<byte[]> text = Arbitraries.of(PIECES)
			.list()
			.ofMinSize(1)
			.ofMaxSize(4)
			.map((pieces) -> String.join("", pieces).getBytes(StandardCharsets.UTF_8));
		Arbitrary<byte[]> cut = Combinators.combine(text, Arbitraries.integers().between(0, 8))
			.as((bytes, from) -> Arrays.copyOfRange(bytes, Math.min(from, bytes.length - 1), bytes.length));
		Arbitrary<byte[]> single = Arbitraries.integers()
			.between(0, 255)
			.map((value) -> new byte[] { (byte) (int) value });
		Arbitrary<byte[]> special = Arbitraries.of("<end>", "a", "\"").map(TokenVocabulary::specialBytes);
		Arbitrary<byte[]> longText = Arbitraries.integers().between(14, 40).map((n) -> "a".repeat(n).getBytes());
		Arbitrary<byte[]> any = Arbitraries.frequencyOf(Tuple.of(6, text), Tuple.of(2, cut), Tuple.of(4, single),
				Tuple.of(1, special), Tuple.of(1, longText));
		return any.list().ofMinSize(1).ofMaxSize(120).map((tokens) -> {
			List<byte @Nullable []> some = new ArrayList<>(tokens);
			some.add(tokens.size() / 2, null);
			return some;
		});
	}

	@Provide
	Arbitrary<Expr> grammars() {
		return expressions(4);
	}

	private Arbitrary<Expr> expressions(int depth) {
		Arbitrary<Expr> leaf = Arbitraries.oneOf(Arbitraries.of(PIECES).map(Expr::literal),
				Arbitraries.of(PIECES).list().ofMinSize(1).ofMaxSize(6).map(Expr::literals),
				Combinators.combine(Arbitraries.integers().between(0, 20), Arbitraries.integers().between(0, 40))
					.as((min, more) -> Expr.seq(Expr.literal("\""),
							new Expr.JsonText(min, (more > 30) ? Expr.UNBOUNDED : min + more), Expr.literal("\""))),
				Arbitraries.of(CodePoints.ALL, CodePoints.range('a', 'é'), CodePoints.of('a', '€', 0x1f600),
						CodePoints.of('"').not())
					.map(MachineBuilder::character),
				Arbitraries.of("<end>", "a").map(Expr::specialToken),
				Arbitraries
					.of(CodePoints.ALL, CodePoints.of('"').not(), CodePoints.of('a', 'b', '€').not(),
							CodePoints.range('a', Character.MAX_CODE_POINT))
					.map((set) -> Expr.many(MachineBuilder.character(set))),
				Arbitraries.of("ab", "b", "<end>", "é", "\":\"")
					.map((end) -> TriggerSearch
						.until(List.of(new TriggerSearch.Trigger(end, false, Expr.literal("true"))), true)));
		if (depth == 0) {
			return leaf;
		}
		Arbitrary<Expr> inner = Arbitraries.lazy(() -> expressions(depth - 1));
		Arbitrary<Expr> seq = inner.list().ofMaxSize(3).map(Expr.Seq::new);
		Arbitrary<Expr> alt = inner.list().ofMaxSize(3).map(Expr.Alt::new);
		Arbitrary<Expr> repeat = Combinators
			.combine(inner, Arbitraries.integers().between(0, 3), Arbitraries.integers().between(0, 4))
			.as((part, min, more) -> new Expr.Repeat(part, min, (more == 4) ? Expr.UNBOUNDED : min + more));
		return Arbitraries.oneOf(leaf, seq, alt, repeat);
	}

}
