package io.github.flashspring.jinja;

/**
 * Counts what one rendering uses and stops it at its {@link Limits}.
 */
final class Budget {

	private final Limits limits;

	private long work;

	private int depth;

	Budget(Limits limits) {
		this.limits = limits;
	}

	void spend(long units) {
		this.work += Math.max(units, 1);
		if (this.work > this.limits.work()) {
			throw JinjaException.limit("rendering takes more than " + this.limits.work() + " steps");
		}
	}

	/** Handling a character is much cheaper than a step. */
	void spendText(long characters) {
		spend(characters >> 3);
	}

	void checkLength(long length) {
		if (length > this.limits.text()) {
			throw JinjaException.limit("a text would exceed " + this.limits.text() + " characters");
		}
	}

	void checkText(long length) {
		checkLength(length);
		spendText(length);
	}

	MarkedText text(MarkedText text) {
		checkText(text.length());
		return text;
	}

	void checkItems(long size) {
		if (size > this.limits.items()) {
			throw JinjaException.limit("a list would exceed " + this.limits.items() + " elements");
		}
		spend(8 * size);
	}

	void enter() {
		if (++this.depth > this.limits.depth()) {
			throw JinjaException.limit("nested more than " + this.limits.depth() + " levels deep");
		}
		spend(1);
	}

	void leave() {
		this.depth--;
	}

}
