package io.github.flashspring.engine.text;

/**
 * What to do with tools when a model's chat template does not know any.
 */
public enum ToolSupport {

	/**
	 * Define them in the system message, and expect calls as {@code <tool_call>} blocks.
	 */
	AUTO,

	/** Leave them to the template, which does not tell the model. */
	TEMPLATE,

	/** Refuse the request. */
	REFUSE

}
