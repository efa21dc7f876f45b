package io.github.flashspring.autoconfigure.diagnostics;

import org.jspecify.annotations.Nullable;

import org.springframework.core.env.Environment;
import org.springframework.util.StringUtils;

/**
 * Whether the application chose this chat model, or chose none but named a model to load,
 * so that Flash can be on the class path together with the starters of other chat models.
 *
 * @param chatModel value of {@code spring.ai.model.chat}, or null
 * @param model value of {@code flash.model}, otherwise of {@code flash.modelfile}, or
 * null
 */
public record FlashSelection(@Nullable String chatModel, @Nullable String model) {

	static final String CHAT_MODEL_PROPERTY = "spring.ai.model.chat";

	static final String MODEL_PROPERTY = "flash.model";

	static final String MODELFILE_PROPERTY = "flash.modelfile";

	private static final String FLASH = "flash";

	/**
	 * Reads the properties.
	 * @param environment where they are
	 * @return the selection; what is empty counts as not set
	 */
	public static FlashSelection of(Environment environment) {
		String chatModel = environment.getProperty(CHAT_MODEL_PROPERTY);
		String model = environment.getProperty(MODEL_PROPERTY);
		if (!StringUtils.hasText(model)) {
			model = environment.getProperty(MODELFILE_PROPERTY);
		}
		return new FlashSelection(StringUtils.hasLength(chatModel) ? chatModel : null,
				StringUtils.hasText(model) ? model : null);
	}

	/**
	 * Whether Flash is to be used.
	 * @return true if it is chosen
	 */
	public boolean selected() {
		return (this.chatModel != null) ? FLASH.equals(this.chatModel) : this.model != null;
	}

	/**
	 * The properties that decide, for messages.
	 * @return such as {@code 'spring.ai.model.chat' is 'ollama'}
	 */
	public String reason() {
		if (this.chatModel != null) {
			return "'%s' is '%s'".formatted(CHAT_MODEL_PROPERTY, this.chatModel);
		}
		return (this.model != null) ? "'%s' or '%s' is set".formatted(MODEL_PROPERTY, MODELFILE_PROPERTY)
				: "neither '%s' nor '%s' is set".formatted(MODEL_PROPERTY, CHAT_MODEL_PROPERTY);
	}

}
