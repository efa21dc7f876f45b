package io.github.flashspring.engine.reading;

/** Has more to read, and owns the blocks. Readers call it. */
public interface ReadSource {

	/** Schedules more if there is any; called when nothing is scheduled. */
	void more();

	/**
	 * Nothing of a block is under way any more: it is in memory, or has failed.
	 * @param read the block
	 */
	void ended(BlockRead read);

}
