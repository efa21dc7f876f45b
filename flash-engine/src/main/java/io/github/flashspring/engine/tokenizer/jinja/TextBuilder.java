package io.github.flashspring.engine.tokenizer.jinja;

/**
 * A string builder that grows only as far as the {@link Budget} allows.
 */
final class TextBuilder {

	private final Budget budget;

	private final StringBuilder text = new StringBuilder();

	TextBuilder(Budget budget) {
		this.budget = budget;
	}

	Budget budget() {
		return this.budget;
	}

	TextBuilder append(CharSequence piece) {
		return append(piece, 0, piece.length());
	}

	TextBuilder append(CharSequence piece, int from, int to) {
		this.budget.checkLength(this.text.length() + (long) (to - from));
		this.budget.spendText(to - from);
		this.text.append(piece, from, to);
		return this;
	}

	TextBuilder append(char c) {
		this.budget.spend(1);
		this.text.append(c);
		this.budget.checkLength(this.text.length());
		return this;
	}

	TextBuilder appendCodePoint(int codePoint) {
		this.budget.spend(1);
		this.text.appendCodePoint(codePoint);
		this.budget.checkLength(this.text.length());
		return this;
	}

	TextBuilder repeat(CharSequence piece, long times) {
		if (times > 0 && !piece.isEmpty()) {
			this.budget.checkLength(this.text.length() + saturatedProduct(piece.length(), times));
			this.budget.spendText(piece.length() * times);
			this.text.repeat(piece, (int) times);
		}
		return this;
	}

	private static long saturatedProduct(int length, long times) {
		return (times > Integer.MAX_VALUE) ? Integer.MAX_VALUE : length * times;
	}

	int length() {
		return this.text.length();
	}

	@Override
	public String toString() {
		return this.text.toString();
	}

}
