package io.github.flashspring.engine.device;

/**
 * A region of memory that a {@link Device} can compute on. Whoever allocates or wraps it
 * owns it and closes it; model code only passes it on inside {@link Tensor}s and never
 * looks into it.
 */
public interface Buffer extends AutoCloseable {

	/**
	 * Length in bytes.
	 * @return the length
	 */
	long byteSize();

	/**
	 * Gives the memory back. All work recorded with it must have been awaited; closing
	 * twice has no effect.
	 */
	@Override
	void close();

}
