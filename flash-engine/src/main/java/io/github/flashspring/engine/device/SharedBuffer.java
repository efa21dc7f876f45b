package io.github.flashspring.engine.device;

import java.lang.foreign.MemorySegment;

/**
 * Memory of a device that the host writes, again and again. What the host wrote counts
 * for work recorded after {@link Device#written}; before the host writes where work was
 * recorded to read, it waits for the {@link Fence} behind that work.
 */
public interface SharedBuffer extends Buffer {

	/**
	 * The memory as the host sees it, aligned for direct reads of files.
	 * @return native memory that all threads may write
	 */
	MemorySegment memory();

}
