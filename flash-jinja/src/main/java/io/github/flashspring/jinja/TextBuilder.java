package io.github.flashspring.jinja;

import java.util.Arrays;

/**
 * Builds a {@link MarkedText} that grows only as far as the {@link Budget} allows. Plain
 * strings and characters that are appended are the template's own.
 */
final class TextBuilder {

	private final Budget budget;

	private final StringBuilder text = new StringBuilder();

	private int[] borders = new int[8];

	private int borderCount;

	TextBuilder(Budget budget) {
		this.budget = budget;
	}

	Budget budget() {
		return this.budget;
	}

	TextBuilder append(String piece) {
		this.budget.checkLength(this.text.length() + (long) piece.length());
		this.budget.spendText(piece.length());
		this.text.append(piece);
		return this;
	}

	TextBuilder append(MarkedText piece) {
		return append(piece, 0, piece.length());
	}

	TextBuilder append(MarkedText piece, int from, int to) {
		this.budget.checkLength(this.text.length() + (long) (to - from));
		this.budget.spendText(to - from);
		int[] more = piece.borders(from, to, this.text.length());
		this.budget.spendText(more.length);
		for (int i = 0; i < more.length; i += 2) {
			mark(more[i], more[i + 1]);
		}
		this.text.append(piece.string(), from, to);
		return this;
	}

	/**
	 * Appends what stands for a character, such as its escape.
	 * @param piece what to append
	 * @param untrusted whether the character is
	 * @return this
	 */
	TextBuilder append(String piece, boolean untrusted) {
		int from = this.text.length();
		append(piece);
		if (untrusted && !piece.isEmpty()) {
			mark(from, this.text.length());
		}
		return this;
	}

	private void mark(int from, int to) {
		if (this.borderCount > 0 && this.borders[this.borderCount - 1] == from) {
			this.borders[this.borderCount - 1] = to;
			return;
		}
		if (this.borderCount == this.borders.length) {
			this.borders = Arrays.copyOf(this.borders, 2 * this.borderCount);
		}
		this.borders[this.borderCount++] = from;
		this.borders[this.borderCount++] = to;
	}

	TextBuilder append(char c) {
		this.budget.spend(1);
		this.text.append(c);
		this.budget.checkLength(this.text.length());
		return this;
	}

	TextBuilder repeat(String piece, long times) {
		return repeat(MarkedText.trusted(piece), times);
	}

	TextBuilder repeat(MarkedText piece, long times) {
		if (times <= 0 || piece.isEmpty()) {
			return this;
		}
		this.budget.checkLength(this.text.length() + saturatedProduct(piece.length(), times));
		this.budget.spendText(piece.length() * times);
		if (piece.hasUntrusted()) {
			for (long i = 0; i < times; i++) {
				append(piece);
			}
		}
		else {
			this.text.repeat(piece.string(), (int) times);
		}
		return this;
	}

	private static long saturatedProduct(int length, long times) {
		return (times > Integer.MAX_VALUE) ? Integer.MAX_VALUE : length * times;
	}

	int length() {
		return this.text.length();
	}

	MarkedText toText() {
		return MarkedText.of(this.text.toString(), Arrays.copyOf(this.borders, this.borderCount));
	}

	@Override
	public String toString() {
		return this.text.toString();
	}

}
