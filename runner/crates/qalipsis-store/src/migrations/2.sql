-- The campaign that this one repeats.
ALTER TABLE campaigns ADD COLUMN replay_of TEXT;
