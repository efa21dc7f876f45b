package io.github.flashspring.jinja;

import java.util.Locale;

/**
 * Upper, lower and title case of texts, as Python's strings have them.
 */
final class LetterCase {

	private LetterCase() {
	}

	static String capitalize(String text) {
		if (text.isEmpty()) {
			return text;
		}
		int end = text.offsetByCodePoints(0, 1);
		return Character.toString(Character.toTitleCase(text.codePointAt(0)))
				+ text.substring(end).toLowerCase(Locale.ROOT);
	}

	static String title(String text) {
		StringBuilder titled = new StringBuilder();
		boolean inWord = false;
		for (int c : text.codePoints().toArray()) {
			titled.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
			inWord = isCased(c);
		}
		return titled.toString();
	}

	static String swapCase(String text) {
		StringBuilder swapped = new StringBuilder();
		text.codePoints()
			.forEach((c) -> swapped.append(Character.isUpperCase(c) ? Character.toString(c).toLowerCase(Locale.ROOT)
					: Character.toString(c).toUpperCase(Locale.ROOT)));
		return swapped.toString();
	}

	private static boolean isCased(int c) {
		return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
	}

	static boolean hasCased(String text) {
		return text.codePoints().anyMatch(LetterCase::isCased);
	}

	static boolean isUpper(String text) {
		return hasCased(text)
				&& text.codePoints().noneMatch((c) -> Character.isLowerCase(c) || Character.isTitleCase(c));
	}

	static boolean isLower(String text) {
		return hasCased(text)
				&& text.codePoints().noneMatch((c) -> Character.isUpperCase(c) || Character.isTitleCase(c));
	}

}
