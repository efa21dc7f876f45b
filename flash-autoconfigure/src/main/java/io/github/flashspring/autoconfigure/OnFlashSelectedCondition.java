package io.github.flashspring.autoconfigure;

import org.springframework.ai.model.SpringAIModelProperties;
import org.springframework.boot.autoconfigure.condition.ConditionMessage;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotatedTypeMetadata;
import org.springframework.util.StringUtils;

import io.github.flashspring.chat.FlashChatModel;

/**
 * Matches when the application chose this chat model, or chose none but named a model to
 * load, so that Flash can lie beside the starters of other chat models.
 */
class OnFlashSelectedCondition extends SpringBootCondition {

	private static final String MODEL_PROPERTY = FlashProperties.PREFIX + ".model";

	@Override
	public ConditionOutcome getMatchOutcome(ConditionContext context, AnnotatedTypeMetadata metadata) {
		Environment environment = context.getEnvironment();
		ConditionMessage.Builder message = ConditionMessage.forCondition("Flash selected");
		String chosen = environment.getProperty(SpringAIModelProperties.CHAT_MODEL);
		if (StringUtils.hasLength(chosen)) {
			return new ConditionOutcome(FlashChatModel.PROVIDER.equals(chosen),
					message.because("'%s' is '%s'".formatted(SpringAIModelProperties.CHAT_MODEL, chosen)));
		}
		boolean named = StringUtils.hasText(environment.getProperty(MODEL_PROPERTY));
		return new ConditionOutcome(named, message
			.because("'%s' is %s".formatted(MODEL_PROPERTY, named ? "set" : "not set, nor is a chat model chosen")));
	}

}
