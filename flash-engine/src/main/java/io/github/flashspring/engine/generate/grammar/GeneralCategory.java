package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/**
 * The general categories of Unicode, as sets of code points.
 */
final class GeneralCategory {

	private static final Map<String, String> CATEGORIES = Map.of("Letter", "L", "Number", "N", "Punctuation", "P",
			"Symbol", "S", "Separator", "Z", "Uppercase_Letter", "Lu", "Lowercase_Letter", "Ll", "Decimal_Number", "Nd",
			"Mark", "M", "Other", "C");

	private static final String[] CATEGORY_NAMES = names();

	private GeneralCategory() {
	}

	/**
	 * The code points of a category.
	 * @param name its short name, or a common long one
	 * @return the set, null if there is no such category
	 */
	static @Nullable CodePoints of(String name) {
		String category = CATEGORIES.getOrDefault(name, name);
		if (!Set.of(CATEGORY_NAMES).contains(category)
				&& !Set.of("L", "M", "N", "P", "S", "Z", "C").contains(category)) {
			return null;
		}
		List<int[]> ranges = new ArrayList<>();
		int from = -1;
		for (int c = 0; c <= Character.MAX_CODE_POINT + 1; c++) {
			boolean in = c <= Character.MAX_CODE_POINT && CATEGORY_NAMES[Character.getType(c)].startsWith(category);
			if (in && from < 0) {
				from = c;
			}
			else if (!in && from >= 0) {
				ranges.add(new int[] { from, c - 1 });
				from = -1;
			}
		}
		return CodePoints.ofRanges(ranges);
	}

	/** By the numbers of {@link Character#getType(int)}, of which 17 is none. */
	private static String[] names() {
		return ("Cn,Lu,Ll,Lt,Lm,Lo,Mn,Me,Mc,Nd,Nl,No,Zs,Zl,Zp,Cc,Cf,?,Co,Cs,Pd,Ps,Pe,Pc,Po,Sm,Sc,Sk,So,Pi,Pf")
			.split(",");
	}

}
