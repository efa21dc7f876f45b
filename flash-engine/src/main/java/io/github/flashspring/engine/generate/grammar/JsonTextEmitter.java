package io.github.flashspring.engine.generate.grammar;

/**
 * Emits the instructions of the content of a JSON string.
 */
final class JsonTextEmitter {

	private final ProgramCode code;

	JsonTextEmitter(ProgramCode code) {
		this.code = code;
	}

	/**
	 * Characters of a JSON string: UTF-8 without controls, quotation mark and backslash
	 * (RFC 8259, section 7), and all escapes but those of half a surrogate pair.
	 */
	void emit(Expr.JsonText text) {
		this.code.add(Program.COUNT);
		this.code.add(text.min());
		this.code.add(text.max());
		int loop = this.code.size();
		this.code.add(Program.LOOP);
		int exit = this.code.size();
		this.code.add(0);
		this.code.add(Program.JUMP);
		int begin = this.code.size();
		this.code.add(0);
		int one = this.code.branch(0x80, 0xbf, loop);
		int two = this.code.branch(0x80, 0xbf, one);
		int three = this.code.branch(0x80, 0xbf, two);
		int afterE0 = this.code.branch(0xa0, 0xbf, one);
		int afterEd = this.code.branch(0x80, 0x9f, one);
		int afterF0 = this.code.branch(0x90, 0xbf, two);
		int afterF4 = this.code.branch(0x80, 0x8f, two);
		int escape = escape(loop);
		int head = this.code.branch(0x20, 0x21, loop, 0x23, 0x5b, loop, 0x5c, 0x5c, escape, 0x5d, 0x7f, loop, 0xc2,
				0xdf, one, 0xe0, 0xe0, afterE0, 0xe1, 0xec, two, 0xed, 0xed, afterEd, 0xee, 0xef, two, 0xf0, 0xf0,
				afterF0, 0xf1, 0xf3, three, 0xf4, 0xf4, afterF4);
		this.code.set(head, this.code.get(head) + Program.BRANCH_TEXT - Program.BRANCH);
		this.code.set(begin, head);
		this.code.set(exit, this.code.size());
	}

	private int escape(int loop) {
		int last = hexDigit(loop);
		int lastTwo = hexDigit(last);
		int lastThree = hexDigit(lastTwo);
		int low = this.code.branch('C', 'F', lastTwo, 'c', 'f', lastTwo);
		int lowD = this.code.branch('D', 'D', low, 'd', 'd', low);
		int lowU = this.code.branch('u', 'u', lowD);
		int lowEscape = this.code.branch('\\', '\\', lowU);
		int high = hexDigit(hexDigit(lowEscape));
		int afterD = this.code.branch('0', '7', lastTwo, '8', '9', high, 'A', 'B', high, 'a', 'b', high);
		int unicode = this.code.branch('0', '9', lastThree, 'A', 'C', lastThree, 'D', 'D', afterD, 'E', 'F', lastThree,
				'a', 'c', lastThree, 'd', 'd', afterD, 'e', 'f', lastThree);
		return this.code.branch('"', '"', loop, '/', '/', loop, '\\', '\\', loop, 'b', 'b', loop, 'f', 'f', loop, 'n',
				'n', loop, 'r', 'r', loop, 't', 't', loop, 'u', 'u', unicode);
	}

	private int hexDigit(int target) {
		return this.code.branch('0', '9', target, 'A', 'F', target, 'a', 'f', target);
	}

}
