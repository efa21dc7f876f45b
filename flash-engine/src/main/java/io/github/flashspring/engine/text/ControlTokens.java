package io.github.flashspring.engine.text;

import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

import io.github.flashspring.jinja.MarkedText;

/**
 * The tokens that steer a model: ends of turns, roles, and the markers of thinking and of
 * tools. What a user, a tool or a document says must not become one of them.
 * <p>
 * Where such a token's text has an untrusted character, {@link #hide} puts
 * {@link #SEPARATOR} into it. The tokenizer library looks for added tokens first, and
 * does not find this one any more; its normalizer, to which {@link Vocabulary} adds a
 * step, then removes the separator, and the text is encoded as if there were no such
 * token. Nothing else in the text changes its ids.
 */
final class ControlTokens {

	/** Two code points that Unicode reserves for use within a program. */
	static final String SEPARATOR = "\ufdd0\ufdd1";

	/** Where the text is cut into two that are encoded one after the other. */
	static final String CUT = "\ufdd2\ufdd3";

	/**
	 * Elements that models have ordinary tokens for, as Gemma's tokenizers do: markup
	 * that is text, and keeps its ids. Not {@code <s>}, with which Llama's texts begin.
	 */
	private static final Set<String> HTML = Set.of("a", "abbr", "article", "aside", "b", "blockquote", "body", "br",
			"button", "caption", "center", "cite", "code", "col", "dd", "del", "div", "dl", "dt", "em", "figcaption",
			"figure", "font", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "i",
			"iframe", "img", "input", "ins", "kbd", "label", "li", "link", "main", "meta", "nav", "ol", "option", "p",
			"picture", "pre", "q", "samp", "script", "section", "select", "small", "span", "strike", "strong", "style",
			"sub", "summary", "sup", "svg", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "time", "title",
			"tr", "tt", "u", "ul", "var", "video");

	/** In ascending order, so that those with one prefix lie side by side. */
	private final String[] tokens;

	private final BitSet firstCharacters = new BitSet();

	/** Which tokens the model's own pieces spell too, so that hiding is not enough. */
	private final Map<String, Boolean> spelled = new HashMap<>();

	ControlTokens(Collection<String> tokens) {
		this.tokens = tokens.stream().filter((token) -> !token.isEmpty()).sorted().toArray(String[]::new);
		for (String token : this.tokens) {
			this.firstCharacters.set(token.charAt(0));
		}
	}

	/**
	 * Whether an added token steers the model: a special one does, and of the others
	 * those in brackets, such as {@code <tool_call>} and {@code </think>}. Runs of white
	 * space, words and HTML's elements are text.
	 * @param content the token's text
	 * @param special whether the tokenizer calls it special
	 * @return whether it does
	 */
	static boolean isControl(String content, boolean special) {
		if (special) {
			return true;
		}
		String bare = content.strip();
		if (bare.length() < 3) {
			return false;
		}
		char last = bare.charAt(bare.length() - 1);
		boolean bracketed = switch (bare.charAt(0)) {
			case '<' -> last == '>';
			case '[' -> last == ']';
			case '{' -> last == '}';
			default -> false;
		};
		String name = bare.substring(1, bare.length() - 1);
		return bracketed && name.codePoints().anyMatch(Character::isLetterOrDigit)
				&& !HTML.contains((name.startsWith("/") ? name.substring(1) : name).toLowerCase(Locale.ROOT));
	}

	/**
	 * Hides the control tokens that have an untrusted character.
	 * @param text a text with marks
	 * @param isSpelled whether the library makes a control token of one's text although
	 * it is hidden
	 * @return the text to encode
	 */
	String hide(MarkedText text, Predicate<String> isSpelled) {
		String string = text.string();
		if (!text.hasUntrusted()) {
			return string;
		}
		BitSet separators = new BitSet();
		BitSet cuts = new BitSet();
		for (int begin = 0; begin < string.length(); begin++) {
			int from = 0;
			int to = this.firstCharacters.get(string.charAt(begin)) ? this.tokens.length : 0;
			for (int end = begin; end < string.length() && from < to; end++) {
				char c = string.charAt(end);
				from = firstWith(c, end - begin, from, to);
				to = firstWith(c + 1, end - begin, from, to);
				// the shortest of those with one prefix comes first
				int at = (from < to && this.tokens[from].length() == end + 1 - begin) ? gap(text, begin, end + 1) : -1;
				if (at > 0) {
					BitSet gaps = isSpelled(this.tokens[from], isSpelled) ? cuts : separators;
					int next = gaps.nextSetBit(begin + 1);
					if (next < 0 || next > end) {
						gaps.set(at);
					}
				}
			}
		}
		return insert(string, separators, cuts);
	}

	/**
	 * The first token of a range whose character at an index is at least a given one, and
	 * of which the tokens that end before are less.
	 */
	private int firstWith(int c, int index, int from, int to) {
		int low = from;
		int high = to;
		while (low < high) {
			int middle = (low + high) >>> 1;
			String token = this.tokens[middle];
			if (token.length() <= index || token.charAt(index) < c) {
				low = middle + 1;
			}
			else {
				high = middle;
			}
		}
		return low;
	}

	/**
	 * Where to separate a token's text: next to an untrusted character, so that no token
	 * of the template's own is separated.
	 * @return an index between begin and end, -1 if all is trusted or one character
	 */
	private static int gap(MarkedText text, int begin, int end) {
		int untrusted = text.firstUntrusted(begin, end);
		if (untrusted < 0) {
			return -1;
		}
		int at = (untrusted > begin) ? untrusted : text.string().offsetByCodePoints(begin, 1);
		return (at < end) ? at : -1;
	}

	private boolean isSpelled(String token, Predicate<String> test) {
		synchronized (this.spelled) {
			return this.spelled.computeIfAbsent(token, test::test);
		}
	}

	private static String insert(String text, BitSet separators, BitSet cuts) {
		if (separators.isEmpty() && cuts.isEmpty()) {
			return text;
		}
		StringBuilder hidden = new StringBuilder(text.length() + 2 * (separators.cardinality() + cuts.cardinality()));
		for (int i = 0; i < text.length(); i++) {
			if (cuts.get(i)) {
				hidden.append(CUT);
			}
			else if (separators.get(i)) {
				hidden.append(SEPARATOR);
			}
			hidden.append(text.charAt(i));
		}
		return hidden.toString();
	}

}
