package io.github.flashspring.engine.generate;

import java.util.Collections;
import java.util.List;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class StopSequencesTests {

	@Test
	void holdsBackWhatMayBecomeAStop() {
		StopSequences stops = new StopSequences(List.of("END"));
		assertThat(stops.append("an E")).isEqualTo("an ");
		assertThat(stops.append("N")).isEmpty();
		assertThat(stops.append("T EN")).isEqualTo("ENT ");
		assertThat(stops.append("D of it")).isEmpty();
		assertThat(stops.found()).isTrue();
		assertThat(stops.flush()).isEmpty();
	}

	@Test
	void aBeginningInsideAnotherSequenceIsNotMissed() {
		StopSequences stops = new StopSequences(List.of("aab", "abcd", "bcx"));
		assertThat(stops.append("aaabcx")).isEqualTo("a");
		assertThat(stops.found()).isTrue();
		StopSequences inner = new StopSequences(List.of("abcd", "bcx"));
		assertThat(inner.append("abc")).isEmpty();
		assertThat(inner.append("x")).isEqualTo("a");
		assertThat(inner.found()).isTrue();
	}

	@Test
	void limitsAreNamedWithTheirField() {
		List<String> many = Collections.nCopies(StopSequences.MAX_COUNT, "x".repeat(StopSequences.MAX_LENGTH));
		StopSequences.validate("stop", many);
		assertThatIllegalArgumentException()
			.isThrownBy(() -> StopSequences.validate("stop", Collections.nCopies(1_000_000, "x")))
			.withMessage("stop must have at most 64 entries, but has 1000000");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> StopSequences.validate("stop", List.of("a", "x".repeat(513))))
			.withMessage("stop[1] must have at most 512 characters, but has 513");
		assertThatIllegalArgumentException().isThrownBy(() -> StopSequences.validate("stop", List.of("")))
			.withMessage("stop must not contain an empty text");
	}

	@Property
	void piecesMakeNoDifference(
			@ForAll @Size(max = 12) List<@StringLength(max = 4) @CharRange(from = 'a', to = 'c') String> pieces,
			@ForAll @Size(min = 1,
					max = 5) List<@StringLength(min = 1, max = 4) @CharRange(from = 'a', to = 'c') String> stops) {
		String whole = String.join("", pieces);
		// the stop that is complete first ends the text
		String expected = whole;
		for (int end = 1; end <= whole.length(); end++) {
			String prefix = whole.substring(0, end);
			int start = stops.stream()
				.filter(prefix::endsWith)
				.mapToInt((stop) -> prefix.length() - stop.length())
				.min()
				.orElse(-1);
			if (start >= 0) {
				expected = whole.substring(0, start);
				break;
			}
		}
		StringBuilder found = new StringBuilder();
		StopSequences sequences = new StopSequences(stops);
		for (String piece : pieces) {
			found.append(sequences.append(piece));
		}
		found.append(sequences.flush());
		assertThat(found.toString()).isEqualTo(expected);
	}

}
