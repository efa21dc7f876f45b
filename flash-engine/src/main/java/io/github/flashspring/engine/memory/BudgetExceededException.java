package io.github.flashspring.engine.memory;

/**
 * A model cannot run within its RAM budget. The message holds the arithmetic.
 */
public class BudgetExceededException extends RuntimeException {

	private final long budgetBytes;

	private final long neededBytes;

	public BudgetExceededException(String message, long budgetBytes, long neededBytes) {
		super(message);
		this.budgetBytes = budgetBytes;
		this.neededBytes = neededBytes;
	}

	/**
	 * The budget that was set.
	 * @return bytes
	 */
	public long budgetBytes() {
		return this.budgetBytes;
	}

	/**
	 * The least budget in which the model could run with these settings.
	 * @return bytes
	 */
	public long neededBytes() {
		return this.neededBytes;
	}

}
