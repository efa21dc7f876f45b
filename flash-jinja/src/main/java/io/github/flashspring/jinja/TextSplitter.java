package io.github.flashspring.jinja;

import java.util.ArrayList;
import java.util.List;

/**
 * Splits texts as {@code split} and {@code rsplit} of Python's strings do.
 */
final class TextSplitter {

	private TextSplitter() {
	}

	static List<Object> split(MarkedText self, Arguments arguments, boolean fromRight, Budget budget) {
		arguments.expect("split", "sep", "maxsplit");
		Object separator = arguments.get(0, "sep", None.NONE);
		long most = arguments.integer(1, "maxsplit", -1);
		most = (most < 0) ? Long.MAX_VALUE : most;
		if (separator != None.NONE && !(separator instanceof MarkedText)) {
			Operators.refuseUndefined(separator);
			throw JinjaException.type("must be str or None, not " + Types.name(separator));
		}
		if (separator instanceof MarkedText text && text.isEmpty()) {
			throw JinjaException.value("empty separator");
		}
		List<Object> parts = new ArrayList<>();
		if (separator instanceof MarkedText text) {
			splitAt(self, text.string(), most, fromRight, parts, budget);
		}
		else {
			splitAtSpace(self, most, fromRight, parts, budget);
		}
		return fromRight ? parts.reversed()
			.stream()
			.map((part) -> part)
			.collect(ArrayList::new, ArrayList::add, ArrayList::addAll) : parts;
	}

	private static void splitAt(MarkedText marked, String separator, long most, boolean fromRight, List<Object> parts,
			Budget budget) {
		String self = marked.string();
		int begin = 0;
		int end = self.length();
		for (long i = 0; i < most; i++) {
			int at = fromRight ? self.lastIndexOf(separator, end - separator.length()) : self.indexOf(separator, begin);
			if (at < begin || end - separator.length() < begin) {
				break;
			}
			if (fromRight) {
				parts.add(marked.substring(at + separator.length(), end));
				end = at;
			}
			else {
				parts.add(marked.substring(begin, at));
				begin = at + separator.length();
			}
			budget.spend(8);
		}
		parts.add(marked.substring(begin, end));
		budget.checkItems(parts.size());
	}

	private static void splitAtSpace(MarkedText marked, long most, boolean fromRight, List<Object> parts,
			Budget budget) {
		String self = marked.string();
		int begin = 0;
		int end = self.length();
		while (true) {
			while (begin < end && PythonText.isSpace(self.charAt(fromRight ? end - 1 : begin))) {
				begin += fromRight ? 0 : 1;
				end -= fromRight ? 1 : 0;
			}
			if (begin == end) {
				break;
			}
			if (parts.size() >= most) {
				parts.add(marked.substring(begin, end));
				break;
			}
			int wordBegin = begin;
			int wordEnd = end;
			while (begin < end && !PythonText.isSpace(self.charAt(fromRight ? end - 1 : begin))) {
				begin += fromRight ? 0 : 1;
				end -= fromRight ? 1 : 0;
			}
			parts.add(fromRight ? marked.substring(end, wordEnd) : marked.substring(wordBegin, begin));
			budget.spend(8);
		}
		budget.checkItems(parts.size());
	}

}
