import data.training as training
