package io.github.flashspring.engine.generate;

import java.util.List;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

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

	@Property
	void piecesMakeNoDifference(
			@ForAll @Size(max = 12) List<@StringLength(max = 4) @CharRange(from = 'a', to = 'c') String> pieces,
			@ForAll @Size(min = 1,
					max = 3) List<@StringLength(min = 1, max = 4) @CharRange(from = 'a', to = 'c') String> stops) {
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
