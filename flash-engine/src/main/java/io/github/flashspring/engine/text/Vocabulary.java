package io.github.flashspring.engine.text;

import java.util.Map;
import java.util.Objects;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * What a {@code tokenizer.json} says about its ids: how many there are, which tokens are
 * added, special or control tokens, and which stand for single bytes. Reads the file as a
 * stream, since it may have tens of megabytes.
 *
 * @param size one more than the highest id
 * @param addedIds text of each added token to its id
 * @param addedTexts id of each added token to its text
 * @param special ids of the tokens that are not text
 * @param control ids of the tokens that steer the model
 * @param byteIds ids of the tokens {@code <0x00>} to {@code <0xFF>}, or null if the
 * tokenizer does not write unknown characters as bytes
 */
record Vocabulary(int size, Map<String, Integer> addedIds, Map<Integer, String> addedTexts, Set<Integer> special,
		Set<Integer> control, int @Nullable [] byteIds) {

	/**
	 * The texts of the control tokens.
	 * @return the tokens
	 */
	ControlTokens controlTokens() {
		return new ControlTokens(this.control.stream().map(this.addedTexts::get).filter(Objects::nonNull).toList());
	}

	/**
	 * A tokenizer file that was read.
	 *
	 * @param vocabulary what it says
	 * @param json its content for the library: control tokens are looked for in the text
	 * as it is, a step that removes {@link ControlTokens#SEPARATOR} comes before all
	 * others, and tokens of other files are added
	 */
	record Source(Vocabulary vocabulary, String json) {

	}

}
