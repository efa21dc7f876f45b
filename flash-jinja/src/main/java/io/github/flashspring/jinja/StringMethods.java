package io.github.flashspring.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import java.util.function.UnaryOperator;

import org.jspecify.annotations.Nullable;

/**
 * The methods that Python's strings have.
 */
final class StringMethods {

	private StringMethods() {
	}

	static @Nullable Function find(MarkedText self, String name) {
		Method method = method(name);
		return (method == null) ? null : (rendering, arguments) -> {
			if (!arguments.named().isEmpty() && !takesNamed(name)) {
				throw JinjaException.type("str." + name + "() takes no keyword arguments");
			}
			rendering.budget().spendText(self.length());
			Object result = method.apply(self, arguments, rendering.budget());
			return (result instanceof MarkedText text) ? rendering.budget().text(text) : result;
		};
	}

	private static boolean takesNamed(String name) {
		return switch (name) {
			case "split", "rsplit", "splitlines", "format" -> true;
			default -> false;
		};
	}

	private static @Nullable Method method(String name) {
		return switch (name) {
			case "strip" -> (self, arguments, budget) -> strip(self, stripSet(name, arguments), true, true);
			case "lstrip" -> (self, arguments, budget) -> strip(self, stripSet(name, arguments), true, false);
			case "rstrip" -> (self, arguments, budget) -> strip(self, stripSet(name, arguments), false, true);
			case "split" -> (self, arguments, budget) -> TextSplitter.split(self, arguments, false, budget);
			case "rsplit" -> (self, arguments, budget) -> TextSplitter.split(self, arguments, true, budget);
			case "splitlines" -> (self, arguments, budget) -> {
				List<MarkedText> lines = PythonText.splitLines(self,
						arguments.expect(name, "keepends").flag(0, "keepends"));
				budget.checkItems(lines.size());
				return new ArrayList<Object>(lines);
			};
			case "upper" -> changed(name, (self) -> self.toUpperCase(Locale.ROOT));
			case "lower" -> changed(name, (self) -> self.toLowerCase(Locale.ROOT));
			case "casefold" -> changed(name, (self) -> self.toUpperCase(Locale.ROOT).toLowerCase(Locale.ROOT));
			case "title" -> changed(name, LetterCase::title);
			case "capitalize" -> changed(name, LetterCase::capitalize);
			case "swapcase" -> changed(name, LetterCase::swapCase);
			case "startswith" -> (self, arguments, budget) -> affix(self, arguments, name, true);
			case "endswith" -> (self, arguments, budget) -> affix(self, arguments, name, false);
			case "removeprefix" -> (self, arguments, budget) -> {
				String prefix = string(name, arguments.expect(name, "prefix"), 0);
				return self.string().startsWith(prefix) ? self.substring(prefix.length()) : self;
			};
			case "removesuffix" -> (self, arguments, budget) -> {
				String suffix = string(name, arguments.expect(name, "suffix"), 0);
				return self.string().endsWith(suffix) ? self.substring(0, self.length() - suffix.length()) : self;
			};
			case "replace" -> (self, arguments, budget) -> {
				arguments.expect(name, "old", "new", "count");
				return replace(self, string(name, arguments, 0), text(name, arguments, 1),
						arguments.integer(2, "count", -1), budget);
			};
			case "find", "rfind", "index", "rindex" -> (self, arguments, budget) -> search(self, arguments, name);
			case "count" -> (self, arguments, budget) -> count(self, arguments);
			case "join" -> (self, arguments, budget) -> join(self,
					Operators.iterate(arguments.expect(name, "iterable").require(name, 0, "iterable")), budget);
			case "partition", "rpartition" -> (self, arguments, budget) -> partition(self,
					string(name, arguments.expect(name, "sep"), 0), name.startsWith("r"));
			case "zfill" -> (self, arguments, budget) -> {
				long width = arguments.expect(name, "width").integer(0, "width", 0);
				int sign = (self.string().startsWith("-") || self.string().startsWith("+")) ? 1 : 0;
				return new TextBuilder(budget).append(self, 0, sign)
					.repeat("0", width - codePoints(self))
					.append(self, sign, self.length())
					.toText();
			};
			case "ljust" -> (self, arguments, budget) -> justify(self, arguments, name, budget, 0);
			case "rjust" -> (self, arguments, budget) -> justify(self, arguments, name, budget, 2);
			case "center" -> (self, arguments, budget) -> justify(self, arguments, name, budget, 1);
			case "format" -> (self, arguments, budget) -> PythonFormat.format(self, arguments, budget);
			case "isdigit", "isdecimal" -> all(name, Character::isDigit);
			case "isnumeric" -> all(name, (c) -> Character.isDigit(c) || Character.getType(c) == Character.OTHER_NUMBER
					|| Character.getType(c) == Character.LETTER_NUMBER);
			case "isalpha" -> all(name, Character::isLetter);
			case "isalnum" -> all(name, Character::isLetterOrDigit);
			case "isspace" -> all(name, PythonText::isSpace);
			case "isascii" -> plain(name, (self) -> self.chars().allMatch((c) -> c < 0x80));
			case "isupper" -> plain(name, LetterCase::isUpper);
			case "islower" -> plain(name, LetterCase::isLower);
			case "istitle" -> plain(name, (self) -> self.equals(LetterCase.title(self)) && LetterCase.hasCased(self));
			default -> null;
		};
	}

	private static Method plain(String name, java.util.function.Function<String, Object> function) {
		return (self, arguments, budget) -> {
			arguments.expect(name);
			return function.apply(self.string());
		};
	}

	private static Method changed(String name, UnaryOperator<String> function) {
		return (self, arguments, budget) -> {
			arguments.expect(name);
			return self.changed(function.apply(self.string()));
		};
	}

	private static Method all(String name, IntPredicate predicate) {
		return plain(name, (self) -> !self.isEmpty() && self.codePoints().allMatch(predicate));
	}

	private static String string(String callee, Arguments arguments, int index) {
		return text(callee, arguments, index).string();
	}

	private static MarkedText text(String callee, Arguments arguments, int index) {
		Object value = arguments.require(callee, index, "argument " + (index + 1));
		if (value instanceof MarkedText text) {
			return text;
		}
		Operators.refuseUndefined(value);
		throw JinjaException.type(callee + "() argument " + (index + 1) + " must be str, not " + Types.name(value));
	}

	private static @Nullable String stripSet(String name, Arguments arguments) {
		Object set = arguments.expect(name, "chars").get(0, "chars", None.NONE);
		return (set == None.NONE) ? null : string(name, arguments, 0);
	}

	/**
	 * Takes characters off the ends.
	 * @param marked the text
	 * @param set the characters to take; null: white space
	 * @param left whether to take from the beginning
	 * @param right whether to take from the end
	 * @return the rest
	 */
	static MarkedText strip(MarkedText marked, @Nullable String set, boolean left, boolean right) {
		String text = marked.string();
		int begin = 0;
		int end = text.length();
		while (left && begin < end && isIn(set, text.codePointAt(begin))) {
			begin += Character.charCount(text.codePointAt(begin));
		}
		while (right && begin < end && isIn(set, text.codePointBefore(end))) {
			end -= Character.charCount(text.codePointBefore(end));
		}
		return marked.substring(begin, end);
	}

	private static boolean isIn(@Nullable String set, int codePoint) {
		return (set != null) ? set.indexOf(codePoint) >= 0 : PythonText.isSpace(codePoint);
	}

	/**
	 * Replaces texts within a text.
	 * @param marked the text
	 * @param old what to replace
	 * @param replacement what to put there; untrusted where what it replaces is, since a
	 * template that turns one marker into another must not do so with a user's words
	 * @param count how often at most, negative: always
	 * @param budget bounds the text
	 * @return the text with the replacements
	 */
	static MarkedText replace(MarkedText marked, String old, MarkedText replacement, long count, Budget budget) {
		String self = marked.string();
		long most = (count < 0) ? Long.MAX_VALUE : count;
		TextBuilder text = new TextBuilder(budget);
		int begin = 0;
		for (long i = 0; i < most; i++) {
			// an empty text stands before every character and at the end
			int at = old.isEmpty() ? nextGap(self, begin, i == 0) : self.indexOf(old, begin);
			if (at < 0) {
				break;
			}
			text.append(marked, begin, at);
			if (marked.firstUntrusted(at, at + old.length()) >= 0) {
				text.append(replacement.string(), true);
			}
			else {
				text.append(replacement);
			}
			begin = at + old.length();
		}
		return text.append(marked, begin, self.length()).toText();
	}

	private static int nextGap(String self, int begin, boolean first) {
		if (first) {
			return 0;
		}
		return (begin < self.length()) ? self.offsetByCodePoints(begin, 1) : -1;
	}

	private static boolean affix(MarkedText self, Arguments arguments, String name, boolean start) {
		arguments.expect(name, "affix", "start", "end");
		String part = bounded(self.string(), arguments);
		Object affixes = arguments.require(name, 0, name.replace("with", ""));
		for (Object affix : (affixes instanceof Tuple tuple) ? tuple : List.of(affixes)) {
			if (!(affix instanceof MarkedText text)) {
				Operators.refuseUndefined(affix);
				throw JinjaException.type(name + " first arg must be str or a tuple of str, not " + Types.name(affix));
			}
			if (start ? part.startsWith(text.string()) : part.endsWith(text.string())) {
				return true;
			}
		}
		return false;
	}

	private static String bounded(String self, Arguments arguments) {
		if (arguments.positional().size() < 2) {
			return self;
		}
		int length = self.codePointCount(0, self.length());
		int begin = offset(self, arguments.positional().get(1), 0, length);
		int end = (arguments.positional().size() < 3) ? self.length()
				: offset(self, arguments.positional().get(2), length, length);
		return self.substring(Math.min(begin, end), end);
	}

	private static int offset(String self, Object index, int otherwise, int length) {
		long at = (index == None.NONE) ? otherwise : Operators.toIndex(index);
		return self.offsetByCodePoints(0, Math.clamp((at < 0) ? at + length : at, 0, length));
	}

	private static Object search(MarkedText self, Arguments arguments, String name) {
		String wanted = string(name, arguments.expect(name, "sub", "start", "end"), 0);
		int length = codePoints(self);
		int begin = (arguments.positional().size() < 2) ? 0
				: offset(self.string(), arguments.positional().get(1), 0, length);
		String part = bounded(self.string(), arguments);
		int at = name.startsWith("r") ? part.lastIndexOf(wanted) : part.indexOf(wanted);
		if (at < 0 && name.endsWith("index")) {
			throw JinjaException.value("substring not found");
		}
		return (at < 0) ? -1L : (long) self.string().codePointCount(0, begin + at);
	}

	private static Object count(MarkedText self, Arguments arguments) {
		String wanted = string("count", arguments.expect("count", "sub", "start", "end"), 0);
		String part = bounded(self.string(), arguments);
		if (wanted.isEmpty()) {
			return part.codePointCount(0, part.length()) + 1L;
		}
		long count = 0;
		for (int at = part.indexOf(wanted); at >= 0; at = part.indexOf(wanted, at + wanted.length())) {
			count++;
		}
		return count;
	}

	private static MarkedText join(MarkedText separator, Iterator<Object> items, Budget budget) {
		TextBuilder text = new TextBuilder(budget);
		for (int i = 0; items.hasNext(); i++) {
			Object item = items.next();
			if (!(item instanceof MarkedText piece)) {
				throw JinjaException
					.type("sequence item " + i + ": expected str instance, " + Types.name(item) + " found");
			}
			text.append((i > 0) ? separator : MarkedText.EMPTY).append(piece);
		}
		return text.toText();
	}

	private static Object partition(MarkedText self, String separator, boolean fromRight) {
		if (separator.isEmpty()) {
			throw JinjaException.value("empty separator");
		}
		int at = fromRight ? self.string().lastIndexOf(separator) : self.string().indexOf(separator);
		if (at < 0) {
			return fromRight ? Tuple.of(MarkedText.EMPTY, MarkedText.EMPTY, self)
					: Tuple.of(self, MarkedText.EMPTY, MarkedText.EMPTY);
		}
		int end = at + separator.length();
		return Tuple.of(self.substring(0, at), self.substring(at, end), self.substring(end));
	}

	private static Object justify(MarkedText self, Arguments arguments, String name, Budget budget, int leftHalves) {
		long width = Operators.toIndex(arguments.expect(name, "width", "fillchar").require(name, 0, "width"));
		MarkedText fill = (arguments.find(1, "fillchar") != null) ? text(name, arguments, 1) : MarkedText.trusted(" ");
		if (codePoints(fill) != 1) {
			throw JinjaException.type("The fill character must be exactly one character long");
		}
		return justify(self, width, fill, budget, leftHalves);
	}

	/**
	 * Fills a text up to a width.
	 * @param text the text
	 * @param width how many characters it shall have at least
	 * @param fill what to fill with
	 * @param budget bounds the width
	 * @param leftHalves how much of the filling goes before the text: 0 nothing, 1 half,
	 * 2 all
	 * @return the filled text
	 */
	static MarkedText justify(MarkedText text, long width, MarkedText fill, Budget budget, int leftHalves) {
		long missing = Math.max(0, width - codePoints(text));
		long left = switch (leftHalves) {
			case 0 -> 0;
			case 1 -> missing / 2 + (missing & width & 1);
			default -> missing;
		};
		return new TextBuilder(budget).repeat(fill, left).append(text).repeat(fill, missing - left).toText();
	}

	private static int codePoints(MarkedText text) {
		return text.string().codePointCount(0, text.length());
	}

	/**
	 * A method of a text.
	 */
	@FunctionalInterface
	private interface Method {

		Object apply(MarkedText self, Arguments arguments, Budget budget);

	}

}
