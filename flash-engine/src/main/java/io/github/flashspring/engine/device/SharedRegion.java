package io.github.flashspring.engine.device;

/**
 * Memory that is reserved together, since it may be faster so, for shared buffers that
 * are allocated and closed one by one. It is freed when it and all of them are closed.
 */
public interface SharedRegion extends AutoCloseable {

	/**
	 * Allocates the next part of the region; its content is undefined.
	 * @param bytes length; the lengths of all parts, each rounded up to 64 KiB, are at
	 * most that of the region
	 * @return a buffer that the caller closes
	 * @throws DeviceException if there is not enough memory
	 */
	SharedBuffer allocate(long bytes);

	@Override
	void close();

}
