package io.github.flashspring.engine.checkpoint;

/**
 * A model of a hub that is not in the local cache, or not all of it.
 */
public final class MissingModelException extends CheckpointException {

	private static final long serialVersionUID = 1L;

	private final transient HubId id;

	MissingModelException(String description, HubId id) {
		super(description, "Download it first: flash pull " + id);
		this.id = id;
	}

	/**
	 * {@return the model}
	 */
	public HubId id() {
		return this.id;
	}

}
