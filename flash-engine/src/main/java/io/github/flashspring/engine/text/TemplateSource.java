package io.github.flashspring.engine.text;

import io.github.flashspring.jinja.JinjaException;
import io.github.flashspring.jinja.JinjaTemplate;
import io.github.flashspring.jinja.Limits;

/**
 * A template and where it comes from.
 *
 * @param name its file, and which template of it
 * @param text the source
 * @param template the template
 */
record TemplateSource(String name, String text, JinjaTemplate template) {

	/** Name of the template for all conversations. */
	static final String DEFAULT = "default";

	/** Name of the template for conversations with tools. */
	static final String TOOL_USE = "tool_use";

	static TemplateSource parse(String text, String name) {
		try {
			return new TemplateSource(name, text, JinjaTemplate.parse(text, Limits.DEFAULT));
		}
		catch (JinjaException ex) {
			throw new ChatTemplateException(
					"The chat template " + name + ((ex.line() > 0) ? ", line " + ex.line() : "") + " cannot be read: "
							+ ex.getMessage() + ".",
					"Correct the template, or send plain text instead of messages.", ex);
		}
	}

}
