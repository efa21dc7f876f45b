package io.github.flashspring.engine.text;

import java.util.regex.Matcher;

/**
 * Finds tags, and parts of them, in the value of a parameter: it may contain them, or
 * lack its own end tag.
 */
final class XmlValueTags {

	/** Shorter parts of a tag are text. */
	private static final int MIN_PART = 3;

	private final ToolSyntax syntax;

	private final ToolSyntax.Tags tags;

	private final ToolCallReader reader;

	XmlValueTags(ToolSyntax syntax, ToolSyntax.Tags tags, ToolCallReader reader) {
		this.syntax = syntax;
		this.tags = tags;
		this.reader = reader;
	}

	/** Whether a parameter ends, and another begins with a tag that lacks a part. */
	boolean containsHalfHeader(String tool, String written) {
		String whole = this.tags.parameterBegin();
		for (int at = written.indexOf(this.tags.parameterEnd()); at >= 0; at = written.indexOf(this.tags.parameterEnd(),
				at + 1)) {
			int begin = CallBody.skipSpace(written, at + this.tags.parameterEnd().length());
			String rest = written.substring(begin, Math.min(written.length(), begin + XmlCalls.MAX_HEADER));
			for (int from = 0; whole.regionMatches(0, rest, 0, from) && from < whole.length(); from++) {
				for (int to = from + 1; to <= whole.length(); to++) {
					if (rest.startsWith(whole.substring(to), from)
							&& isKnownParameter(tool, whole + rest.substring(from + whole.length() - to))) {
						return true;
					}
				}
			}
		}
		return false;
	}

	private boolean isKnownParameter(String tool, String written) {
		Matcher header = this.tags.parameter().matcher(written);
		return header.lookingAt() && Boolean.TRUE.equals(this.reader.hasParameter(tool, header.group("key")));
	}

	/** How many end tags there are. */
	int count(String written, int from, int to) {
		int count = 0;
		for (int at = written.indexOf(this.tags.parameterEnd(), from); at >= 0
				&& at < to; at = written.indexOf(this.tags.parameterEnd(), at + 1)) {
			count++;
		}
		return count;
	}

	static boolean beginsLine(String text, int at) {
		int before = at;
		while (before > 0 && text.charAt(before - 1) != '\n' && Character.isWhitespace(text.charAt(before - 1))) {
			before--;
		}
		return before > 0 && text.charAt(before - 1) == '\n';
	}

	/** Whether a call ends and another begins within a value. */
	boolean containsCall(String written) {
		for (int at = written.indexOf(this.syntax.callEnd()); at >= 0; at = written.indexOf(this.syntax.callEnd(),
				at + 1)) {
			int next = CallBody.skipSpace(written, at + this.syntax.callEnd().length());
			for (String tag : new String[] { this.syntax.end(), this.syntax.begin() }) {
				if (!tag.isEmpty() && written.startsWith(tag, next)) {
					next = CallBody.skipSpace(written, next + tag.length());
				}
			}
			if (written.startsWith(this.syntax.callBegin(), next)) {
				return true;
			}
		}
		return false;
	}

	/** Whether a value ends with part of an end tag. */
	boolean endsWithPart(String written) {
		String tag = this.tags.parameterEnd();
		String end = written.stripTrailing();
		for (int length = MIN_PART; length < tag.length(); length++) {
			if (end.endsWith(tag.substring(0, length)) || end.endsWith(tag.substring(tag.length() - length))) {
				return true;
			}
		}
		return false;
	}

}
