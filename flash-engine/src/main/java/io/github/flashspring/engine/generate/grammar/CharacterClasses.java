package io.github.flashspring.engine.generate.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Code points in classes that all of some expressions treat alike.
 *
 * @param intervals first code point of each interval in which they behave alike
 * @param classes class of each interval
 * @param members intervals of each class
 */
record CharacterClasses(int[] intervals, int[] classes, List<BitSet> members) {

	static CharacterClasses of(List<Regex> expressions) {
		TreeSet<Integer> starts = new TreeSet<>(List.of(0));
		List<CodePoints> sets = new ArrayList<>();
		expressions.forEach((each) -> collect(each, sets));
		for (CodePoints set : sets) {
			for (int i = 0; i < set.bounds().length; i += 2) {
				starts.add(set.bounds()[i]);
				starts.add(set.bounds()[i + 1] + 1);
			}
		}
		starts.remove(Character.MAX_CODE_POINT + 1);
		int[] intervals = starts.stream().mapToInt(Integer::intValue).toArray();
		int[] classes = new int[intervals.length];
		Map<BitSet, Integer> signatures = new HashMap<>();
		List<BitSet> members = new ArrayList<>();
		List<BitSet> contents = sets.stream().map((set) -> intervalsOf(set, intervals)).toList();
		for (int i = 0; i < intervals.length; i++) {
			BitSet signature = new BitSet();
			for (int s = 0; s < contents.size(); s++) {
				signature.set(s, contents.get(s).get(i));
			}
			Integer known = signatures.putIfAbsent(signature, members.size());
			if (known == null) {
				known = members.size();
				members.add(new BitSet());
			}
			classes[i] = known;
			members.get(known).set(i);
		}
		return new CharacterClasses(intervals, classes, members);
	}

	int count() {
		return this.members.size();
	}

	int classOf(int point) {
		int interval = Arrays.binarySearch(this.intervals, point);
		return this.classes[(interval < 0) ? ~interval - 1 : interval];
	}

	/** The classes of a set that is one of the expressions'. */
	BitSet classesOf(CodePoints set) {
		BitSet in = intervalsOf(set, this.intervals);
		BitSet found = new BitSet();
		for (int each = 0; each < this.members.size(); each++) {
			found.set(each, in.get(this.members.get(each).nextSetBit(0)));
		}
		return found;
	}

	private static void collect(Regex regex, List<CodePoints> to) {
		switch (regex) {
			case Regex.Chars chars -> {
				if (!to.contains(chars.set())) {
					to.add(chars.set());
				}
			}
			case Regex.Seq seq -> seq.parts().forEach((part) -> collect(part, to));
			case Regex.Alt alt -> alt.choices().forEach((choice) -> collect(choice, to));
			case Regex.Repeat repeat -> collect(repeat.part(), to);
			case Regex.Start _, Regex.End _ -> {
			}
		}
	}

	private static BitSet intervalsOf(CodePoints set, int[] intervals) {
		BitSet in = new BitSet();
		for (int i = 0; i < set.bounds().length; i += 2) {
			int from = Arrays.binarySearch(intervals, set.bounds()[i]);
			int to = Arrays.binarySearch(intervals, set.bounds()[i + 1] + 1);
			in.set(from, (to < 0) ? ~to : to);
		}
		return in;
	}

}
